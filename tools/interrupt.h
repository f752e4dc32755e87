// Ctrl-C and SIGTERM as something that a loop can look at and a wait can end with.
//
// Invariants: the first signal asks the command to come to an end; the second ends the process at
// once. Threads: any, after catch_interrupts().
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::tools {

// Once, before the first use of the others; SIGPIPE is ignored from then on.
void catch_interrupts();
bool interrupted();
// Becomes readable with the first signal.
int interrupt_fd();

enum class Waited { kReadable, kTimeout, kInterrupted };

// Until `fd` can be read, the time is over, or the user interrupts. `fd` -1: only the latter two.
Waited wait_readable(int fd, std::chrono::milliseconds timeout);
// Until `due_ns` on the steady clock; false when interrupted before.
bool sleep_until(std::int64_t due_ns);

}  // namespace penstock::tools
