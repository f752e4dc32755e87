// HistoryOutput: what a client of a nemesis run did and was told, one JSON object a line.
//
// Format: every line has "f" (what it is) and "t" (seconds of the machine's monotonic clock, which
// all processes of a run share). Values are names that need no escaping. Threads: one. Failure: a
// line that cannot be written ends the process, because a history with holes proves nothing.
#pragma once

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

namespace penstock::nemesis {

class HistoryOutput {
 public:
  explicit HistoryOutput(const char* path) : file_(std::fopen(path, "w")) {
    if (file_ == nullptr) give_up(path);
  }
  HistoryOutput(const HistoryOutput&) = delete;
  HistoryOutput& operator=(const HistoryOutput&) = delete;
  ~HistoryOutput() {
    if (std::fclose(file_) != 0) give_up("close");
  }

  // A line {"f":"what","t":now,<fields as printf makes them>}.
  [[gnu::format(printf, 3, 4)]] void line(const char* what, const char* fields, ...) {
    std::fprintf(file_, R"({"f":"%s","t":%.6f,)", what, now_s());
    std::va_list arguments;
    va_start(arguments, fields);
    std::vfprintf(file_, fields, arguments);
    va_end(arguments);
    std::fputs("}\n", file_);
  }

  // What was written so far survives the death of this process.
  void flush() {
    if (std::fflush(file_) != 0) give_up("flush");
  }

  static double now_s() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  }

 private:
  [[noreturn]] static void give_up(const char* what) {
    std::perror(what);
    std::_Exit(4);
  }

  std::FILE* file_;
};

// Text from an error as it may stand between quotes in JSON.
inline std::string quotable(std::string text) {
  for (char& c : text) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ') c = '\'';
  }
  return text;
}

// The value of one record: "<name>:<filler>", the filler a function of the name, so that a reader
// notices a byte that was altered. It has `bytes` at least.
inline std::string value_of(std::string_view name, std::size_t bytes = 0) {
  std::uint64_t hash = 1469598103934665603U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  std::string value;
  value.reserve(bytes + 160);
  value.append(name).append(1, ':');
  const std::size_t filler = 20 + hash % 100;
  value.append(std::max(filler, bytes - std::min(bytes, value.size())),
               static_cast<char>('a' + hash % 26));
  return value;
}

}  // namespace penstock::nemesis
