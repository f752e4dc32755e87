#include "tests/broker/raft/scenario_arguments.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace penstock::raft {
namespace {

// Where the name of an option ends in `word`, or npos: ">=5" and "n1->n2" are words.
std::size_t option_name_length(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::string_view::npos;
  const bool is_name = std::ranges::all_of(word.substr(0, equals), [](char c) {
    return (std::islower(static_cast<unsigned char>(c)) != 0) || c == '_';
  });
  return is_name ? equals : std::string_view::npos;
}

}  // namespace

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t at = std::min(text.find(separator), text.size());
    if (at > 0) parts.emplace_back(text.substr(0, at));
    text.remove_prefix(std::min(at + 1, text.size()));
  }
  return parts;
}

ScenarioArguments::ScenarioArguments(std::string_view line) : line_(line) {
  for (std::size_t at = 0; at < line_.size();) {
    const std::size_t begin = line_.find_first_not_of(' ', at);
    if (begin == std::string::npos) break;
    at = std::min(line_.find(' ', begin), line_.size());
    const std::string word = line_.substr(begin, at - begin);
    const std::size_t name_length = option_name_length(word);
    if (verb_.empty()) {
      verb_ = word;
    } else if (name_length != std::string::npos) {
      options_[word.substr(0, name_length)] = word.substr(name_length + 1);
    } else {
      words_.push_back(word);
      word_ends_.push_back(at);
    }
  }
}

std::string ScenarioArguments::word(std::string_view what) {
  if (has_word()) return words_[next_word_++];
  problem("missing: " + std::string(what));
  return {};
}

std::int64_t ScenarioArguments::read_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    problem("not a number: '" + std::string(text) + "'");
  }
  return value;
}

std::int64_t ScenarioArguments::number(std::string_view what) { return read_number(word(what)); }

NodeId ScenarioArguments::node() {
  const std::vector<NodeId> found = nodes();
  if (found.size() == 1) return found.front();
  problem("one node, as n1, is wanted");
  return kNobody;
}

std::vector<NodeId> ScenarioArguments::nodes() {
  std::vector<NodeId> found;
  for (const std::string& name : split(word("node"), ',')) {
    if (!name.starts_with('n')) problem("not a node: '" + name + "'");
    found.emplace_back(static_cast<std::int32_t>(read_number(std::string_view(name).substr(1))));
  }
  return found;
}

std::string ScenarioArguments::rest() {
  const std::size_t from = next_word_ == 0 ? verb_.size() : word_ends_[next_word_ - 1];
  next_word_ = words_.size();
  options_.clear();
  const std::size_t begin = line_.find_first_not_of(' ', from);
  return begin == std::string::npos ? std::string() : line_.substr(begin);
}

std::string ScenarioArguments::all_options() const {
  std::string text;
  for (const auto& [name, value] : options_) {
    text += (text.empty() ? "" : " ") + name + "=" + value;
  }
  return text;
}

std::optional<std::string> ScenarioArguments::option(const std::string& name) {
  const auto found = options_.find(name);
  if (found == options_.end()) return std::nullopt;
  std::string value = found->second;
  options_.erase(found);
  return value;
}

std::int64_t ScenarioArguments::number_option(const std::string& name, std::int64_t otherwise) {
  const std::optional<std::string> value = option(name);
  return value ? read_number(*value) : otherwise;
}

std::vector<NodeId> ScenarioArguments::ids_option(const std::string& name) {
  std::vector<NodeId> ids;
  for (const std::string& id : split(option(name).value_or(""), ',')) {
    ids.emplace_back(static_cast<std::int32_t>(read_number(id)));
  }
  return ids;
}

std::vector<std::string> ScenarioArguments::problems() const {
  std::vector<std::string> all = problems_;
  for (std::size_t i = next_word_; i < words_.size(); ++i) {
    all.push_back("not understood: '" + words_[i] + "'");
  }
  for (const auto& [name, value] : options_) all.push_back("not understood: '" + name + "='");
  return all;
}

}  // namespace penstock::raft
