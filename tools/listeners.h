// Who listens on a TCP port of this machine, as far as /proc tells this user.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace penstock::tools {

// Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6.
std::set<std::uint64_t> listening_inodes(std::string_view table, std::uint16_t port);

struct Listener {
  pid_t pid = -1;    // -1: some process that this user may not look at
  std::string name;  // "penstockd"

  std::string to_string() const;
};

// None when the port is free.
std::optional<Listener> listener_of(std::uint16_t port);

}  // namespace penstock::tools
