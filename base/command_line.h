// The command line of a program of ours: a table of its flags, from which --help is made and
// against which its words are checked before gflags reads them.
//
// gflags alone would list the flags of every library, refuse in several lines, and read flags from
// files and from the environment. After command_or_exit() every word is known and every value is of
// its flag's type, so that gflags has nothing left to refuse.
//
//   #define MY_FLAG_TABLE(X) X(uint32, shards, "N", 0, "0", "Threads that serve partitions.")
//   MY_FLAG_TABLE(PENSTOCK_DEFINE_FLAG)                            // main.cc: FLAGS_shards
//   constexpr auto kFlags = std::to_array<ProgramFlag>({MY_FLAG_TABLE(PENSTOCK_FLAG_ROW)});
//
// Syntax, as gflags: --name=value, --name value, --switch, --noswitch; one dash or two.
// Failure: kInvalidArgument; one line that names the word and says what to do next.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace penstock {

enum class FlagType { kText, kUint32, kUint64, kNumber, kSwitch };

struct ProgramFlag {
  std::string_view name;
  FlagType type;
  std::string_view value;         // what stands for it in the help: "DIR", "MIB"; none of a switch
  std::string_view default_text;  // as people read it: "512", "required"
  std::string_view meaning;
};

struct ProgramCommand {
  std::string_view name;
  std::string_view meaning;
};

struct ProgramExit {
  int code;
  std::string_view meaning;  // the help shows it up to the first ';'
};

struct Program {
  std::string_view name;
  std::string_view version;
  std::string_view summary;  // a sentence
  std::string_view usage;    // what follows the name: "--data_dir=DIR [--flag=value ...]"
  std::span<const ProgramFlag> flags;
  std::span<const ProgramExit> exits;
  std::span<const ProgramCommand> commands = {};  // empty: it takes none
};

// Of every program: the command line makes no sense.
inline constexpr int kExitUsage = 2;

// What the words of a command line ask for.
struct Invocation {
  enum class Ask { kRun, kHelp, kVersion };
  Ask ask = Ask::kRun;
  std::string command = {};  // of Program::commands
};

// `words` are the command line without the program's name. --help counts wherever it stands.
Result<Invocation> read_command_line(const Program& program,
                                     std::span<const std::string_view> words);

std::string help_text(const Program& program);

// For main(): the command to run ("" where the program has none); or the exit code, after --help or
// --version was answered on `out` or a wrong command line told on `err`.
std::expected<std::string, int> command_or_exit(const Program& program, int argc,
                                                const char* const* argv, std::ostream& out,
                                                std::ostream& err);

// "penstockd: no such folder; see penstockd --help": how a wrong value is told, whoever finds it.
std::string usage_failure(const Program& program, const Error& error);

// Rows of a help text: two columns, the right one wrapped at words.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows);

// The type behind a DEFINE_<type> of gflags.
consteval FlagType flag_type(std::string_view gflags_type) {
  if (gflags_type == "string") return FlagType::kText;
  if (gflags_type == "uint32") return FlagType::kUint32;
  if (gflags_type == "uint64") return FlagType::kUint64;
  if (gflags_type == "double") return FlagType::kNumber;
  if (gflags_type == "bool") return FlagType::kSwitch;
  throw "a type that no flag of ours has had so far";  // stops the compiler
}

// Rows of a flag table: X(type, name, value, default, default as shown, meaning).
#define PENSTOCK_DEFINE_FLAG(type, name, value, initial, shown, meaning) \
  DEFINE_##type(name, initial, meaning);
#define PENSTOCK_FLAG_ROW(type, name, value, initial, shown, meaning) \
  ::penstock::ProgramFlag{#name, ::penstock::flag_type(#type), value, shown, meaning},

}  // namespace penstock
