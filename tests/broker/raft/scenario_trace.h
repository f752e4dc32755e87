// What a scenario has to tell: lines for its expected output, and what went wrong.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace penstock::raft {

class ScenarioTrace {
 public:
  enum class Detail { kEvents, kMessages };

  // Roles, commits, cuts, reads, faults: always told.
  void event(const std::string& line) { lines_.push_back(indent_ + line); }
  // Messages, writes and saves: told unless the command runs on by itself.
  void message(const std::string& line) {
    if (detail_ == Detail::kMessages) lines_.push_back(indent_ + line);
  }
  // Breaks the scenario, also when its expected output is being rewritten.
  void failure(const std::string& what) {
    event("BROKEN " + what);
    failures_.push_back(what);
  }

  void set_detail(Detail detail) { detail_ = detail; }
  void set_indent(std::string indent) { indent_ = std::move(indent); }
  std::vector<std::string> take_lines() { return std::exchange(lines_, {}); }
  std::vector<std::string> take_failures() { return std::exchange(failures_, {}); }

 private:
  Detail detail_ = Detail::kMessages;
  std::string indent_;
  std::vector<std::string> lines_;
  std::vector<std::string> failures_;
};

}  // namespace penstock::raft
