// TopicPattern: a regular expression over whole names of topics, for members that subscribe to all
// topics of a kind.
//
//   orders|payments     either
//   metrics\.eu\..+     everything below
//   t[0-9]+             ranges; [^...] for everything else
//   (a|b)?c*.           groups, ? * +, any character
//
// `^` at the beginning and `$` at the end may be there. There are no back references, no counts and
// no classes by letter. Units: matching takes time proportional to the lengths of pattern and name,
// whatever the pattern: it comes from clients. Threads: immutable. Failure: kInvalidArgument that
// says where the pattern is wrong.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::group {

class TopicPattern {
 public:
  static Result<TopicPattern> parse(std::string_view text);

  bool matches(std::string_view name) const;

  // One step of the machine that reads a name; targets are relative to the step's own place.
  struct Step {
    enum class Kind : std::uint8_t { kOneOf, kFork } kind = Kind::kOneOf;
    std::bitset<256> set = {};  // kOneOf: then goes on behind itself
    std::ptrdiff_t first = 1;   // kFork: goes on at both
    std::ptrdiff_t second = 1;
  };

 private:
  explicit TopicPattern(std::vector<Step> steps) : steps_(std::move(steps)) {}

  void reach(std::size_t step, std::vector<bool>& reached) const;

  std::vector<Step> steps_;  // behind the last one: the name matches
};

}  // namespace penstock::group
