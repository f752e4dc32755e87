// Book: who owns what in a group, kept from what members asked and were told alone.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "broker/group/group_commands.h"

namespace penstock::group {

struct Counts {
  std::size_t events = 0;
  std::size_t records = 0;
  std::size_t given = 0;
  std::size_t commits = 0;
  std::size_t refused = 0;
  std::size_t expired = 0;
  std::size_t coordinators = 0;
};

// Who owns what, as it was told: from the answer that gives a partition until the owner, who knows
// the answer that took it back, says that it has let go, or until it is gone.
class Book {
 public:
  void heartbeat(const JoinOrHeartbeat& request, const Assignment& answer,
                 const PartitionSet& share, Counts& counts) {
    Entry& entry = entries_[request.member];
    if (request.member_epoch == entry.epoch) {
      std::erase_if(owners_, [&](const auto& one) {
        return one.second == request.member && !contains(request.owned, one.first) &&
               !contains(entry.owned, one.first);
      });
    }
    for (const TopicPartition& one : answer.owned) {
      const auto [owner, is_new] = owners_.try_emplace(one, request.member);
      EXPECT_EQ(owner->second, request.member) << "two owners of one partition";
      if (is_new) ++counts.given;
    }
    EXPECT_EQ(of(request.member), together(answer.owned, answer.revoking));
    EXPECT_TRUE(includes(answer.owned, common(entry.owned, share))) << "paused without need";
    EXPECT_GE(answer.member_epoch, entry.epoch);
    if (answer.member_epoch == entry.epoch) EXPECT_EQ(answer.owned, entry.owned);
    entry = {answer.member_epoch, answer.owned};
  }
  void gone(const Uuid& member) {
    std::erase_if(owners_, [&](const auto& one) { return one.second == member; });
    entries_.erase(member);
  }
  bool knows(const MemberCredential& member) const {
    const auto entry = entries_.find(member.member);
    return entry != entries_.end() && entry->second.epoch == member.epoch;
  }
  bool may_commit(const CommitOffsets& request) const {
    if (!request.member) return entries_.empty();
    return knows(*request.member) && std::ranges::all_of(request.positions, [&](const auto& one) {
             const auto owner = owners_.find(one.partition);
             return owner != owners_.end() && owner->second == request.member->member;
           });
  }
  bool is_empty() const { return entries_.empty(); }

  std::map<TopicPartition, Offset> positions;

 private:
  struct Entry {
    Epoch epoch;
    PartitionSet owned;
  };
  PartitionSet of(const Uuid& member) const {
    PartitionSet all;
    for (const auto& [partition, owner] : owners_) {
      if (owner == member) all.push_back(partition);
    }
    return all;
  }

  std::map<Uuid, Entry> entries_;  // present members
  std::map<TopicPartition, Uuid> owners_;
};

}  // namespace penstock::group
