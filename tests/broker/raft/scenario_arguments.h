// One command of a scenario: a verb, words, and options of the form name=value.
//
// Failure: what cannot be read gives a default and a line in problems(), as does what was never
// asked for, so that a misspelled option cannot go unnoticed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/raft/types.h"

namespace penstock::raft {

class ScenarioArguments {
 public:
  explicit ScenarioArguments(std::string_view line);

  const std::string& verb() const { return verb_; }
  bool has_word() const { return next_word_ < words_.size(); }
  std::string peek() const { return has_word() ? words_[next_word_] : std::string(); }
  std::string word(std::string_view what);
  std::int64_t number(std::string_view what);
  NodeId node();                    // "n2"
  std::vector<NodeId> nodes();      // "n2,n3", one word
  std::string rest();               // the line after the words that were taken
  std::string all_options() const;  // as written, in order of their names

  bool has_option(const std::string& name) const { return options_.contains(name); }
  std::optional<std::string> option(const std::string& name);
  std::int64_t number_option(const std::string& name, std::int64_t otherwise);
  std::vector<NodeId> ids_option(const std::string& name);  // "1,2,3"

  void problem(const std::string& what) { problems_.push_back(what); }
  std::vector<std::string> problems() const;

 private:
  std::int64_t read_number(std::string_view text);

  std::string line_;
  std::string verb_;
  std::vector<std::string> words_;
  std::vector<std::size_t> word_ends_;  // in line_
  std::size_t next_word_ = 0;
  std::map<std::string, std::string> options_;
  std::vector<std::string> problems_;
};

std::vector<std::string> split(std::string_view text, char separator);

}  // namespace penstock::raft
