// Groups: the replicated logs of one life: numbers for traces and invariants, names for the code
// under test.
//
// A number is never given twice. Threads: one.
#pragma once

#include <map>
#include <vector>

#include "base/types.h"
#include "tests/sim/network.h"

namespace penstock::sim {

class Groups {
 public:
  // Gives it a number when it has none.
  GroupNumber number_of(const TopicPartition& id) {
    const auto [found, is_new] = numbers_.try_emplace(id, static_cast<GroupNumber>(names_.size()));
    if (is_new) names_.push_back(id);
    return found->second;
  }
  const TopicPartition& name_of(GroupNumber group) const {
    return names_[static_cast<std::size_t>(group)];
  }
  GroupNumber count() const { return static_cast<GroupNumber>(names_.size()); }

  // --- what clients write to
  const std::vector<GroupNumber>& in_use() const { return in_use_; }
  void use(GroupNumber group) { in_use_.push_back(group); }
  void leave(GroupNumber group) { std::erase(in_use_, group); }

 private:
  std::map<TopicPartition, GroupNumber> numbers_;
  std::vector<TopicPartition> names_;
  std::vector<GroupNumber> in_use_;
};

}  // namespace penstock::sim
