// Registers: a state machine small enough to see through, which notices what a host must not do.
//
// A write sets several registers to the number of its command, one record each. The state remembers
// every command in the order of its records: a command that comes twice is refused by apply(), and
// one of which only a part is there makes is_whole() false.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/host/state_host_machine.h"

namespace penstock::broker {

struct Write {
  std::uint64_t command = 0;
  std::uint32_t registers = 1;  // how many
};
struct ReadAll {};
// A command that would leave a record that nobody can read.
struct WriteNonsense {};

struct RegisterSet {
  std::uint64_t command = 0;
  std::uint32_t part = 0;
  std::uint32_t parts = 0;
};
Bytes encode(const RegisterSet& record);
Result<RegisterSet> decode_register_set(ByteView record);

class Registers {
 public:
  template <typename T>
  struct Decision {
    std::vector<RegisterSet> records;
    T answer;
  };
  // kAlreadyExists: the command was carried out before. Answers with how many commands there were.
  Result<Decision<std::size_t>> handle(const Write& command) const;
  Result<Decision<std::vector<std::uint64_t>>> handle(const ReadAll& command) const;
  Result<Decision<int>> handle(const WriteNonsense& command) const;

  Status apply(Offset offset, const RegisterSet& record);
  void skip_to(Offset next) { applied_ = next; }
  Offset applied() const { return applied_; }
  Bytes snapshot() const;
  static Result<Registers> restore(ByteView snapshot);

  const std::vector<std::uint64_t>& commands() const { return commands_; }
  bool is_whole() const { return missing_ == 0; }

 private:
  std::map<std::uint32_t, std::uint64_t> registers_;
  std::vector<std::uint64_t> commands_;  // in the order of the log
  std::uint32_t missing_ = 0;            // parts of the last command
  Offset applied_;
};

using RegisterMachine = StateOf<Registers, decode_register_set>;

}  // namespace penstock::broker
