// Arguments: a command line, split into flags and operands and checked against what one command
// accepts.
//
// Syntax, as gflags: --name=value, --name value, --switch, --noswitch, and -x value for a flag with
// a letter; '-' and '_' are the same inside a name; "--" ends the flags; "-" and negative numbers
// are operands; of a flag that is given twice the last one counts, unless it is a list.
// Failure: kInvalidArgument with a message that names the flag and, where there is one, the nearest
// that exists.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace penstock::tools {

enum class FlagKind {
  kSwitch,
  kValue,
  kList,  // may be given more than once
};

struct FlagSpec {
  std::string name;        // with underscores
  std::string value = {};  // what stands for it in the help: "N", "FILE"; empty for a switch
  std::string default_value = {};
  std::string meaning = {};
  FlagKind kind = FlagKind::kValue;
  char letter = 0;               // of the short form; 0: none
  std::string environment = {};  // variable that gives the default
};

class Arguments {
 public:
  const std::vector<std::string>& operands() const { return operands_; }

  // The readers below assert that the command has such a flag.
  std::string text(std::string_view flag) const;
  bool is_on(std::string_view flag) const { return text(flag) == "true"; }
  Result<std::int64_t> integer(std::string_view flag,
                               std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                               std::int64_t high = std::numeric_limits<std::int64_t>::max()) const;
  Result<double> number(std::string_view flag, double low, double high) const;
  std::vector<std::string> all(std::string_view flag) const;
  bool given(std::string_view flag) const;

 private:
  friend Result<Arguments> parse_arguments(std::span<const std::string>, std::span<const FlagSpec>,
                                           std::span<const FlagSpec>);
  std::vector<std::string> operands_;
  std::vector<std::pair<std::string, std::string>> given_;  // in order, with canonical names
  std::vector<std::pair<std::string, std::string>> defaults_;
};

// `accepted` are the command's flags; `known` those of all commands, to tell a misspelt flag from
// one that belongs elsewhere.
Result<Arguments> parse_arguments(std::span<const std::string> words,
                                  std::span<const FlagSpec> accepted,
                                  std::span<const FlagSpec> known);

// How many words at the front of a command line are flags (with their values) that stand before the
// name of the command.
std::size_t leading_flags(std::span<const std::string> words, std::span<const FlagSpec> known);

}  // namespace penstock::tools
