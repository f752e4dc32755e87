// What a consumer group holds and has committed. At the same offset of its log all nodes have the
// same state, byte for byte; no partition is held by two members. Members commit positions that
// rise: so in that log positions rise, each read finds at least what was acknowledged before the
// question, and nobody commits a partition of which somebody else has committed something since it
// was given to him.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class GroupPositions final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "group-positions"; }

  void groups_changed(raft::NodeId node, const group::GroupState& state) override {
    Bytes bytes = state.snapshot();
    const Offset at = state.applied();
    const auto [known, is_new] = states_.try_emplace(at, node, bytes);
    if (is_new) {
      for (const auto& [name, group] : state.groups()) check(at, group);
    } else if (known->second.second != bytes) {
      violated("at offset " + std::to_string(at.value()) + " the groups of " + to_string(node) +
               " are others than those of " + to_string(known->second.first));
    }
  }

  void position_committed(const CommitSeen& commit) override {
    Partition& partition = partitions_[commit.partition];
    for (const auto& [member, other] : partition.last) {
      const bool is_within = commit.begun_ns < other.asked_ns && other.told_ns < commit.asked_ns;
      if (member == commit.member || !is_within) continue;
      violated(text(commit.partition) + " was committed by " + commit.member.to_string() +
               " after " + member.to_string() + " had it");
    }
    partition.last.insert_or_assign(commit.member, commit);
    position_told(commit.partition, commit.asked_ns, commit.offset);
    Offset highest = commit.offset;
    if (!partition.acknowledged.empty()) {
      highest = std::max(highest, partition.acknowledged.rbegin()->second);
    }
    partition.acknowledged[commit.told_ns] = highest;
  }

  void position_told(const TopicPartition& id, std::int64_t asked_ns, Offset position) override {
    const auto& acknowledged = partitions_[id].acknowledged;
    const auto after = acknowledged.lower_bound(asked_ns);
    if (after == acknowledged.begin() || position >= std::prev(after)->second) return;
    violated(text(id) + " is " + std::to_string(position.value()) + ", and had been committed at " +
             std::to_string(std::prev(after)->second.value()));
  }

 private:
  struct Partition {
    std::map<std::int64_t, Offset> acknowledged;  // the highest position, by when it was told
    std::map<Uuid, CommitSeen> last;              // of each member
    std::map<Offset, Offset> in_log;              // by the offset of the log
  };

  void check(Offset at, const group::Group& group) {
    std::map<TopicPartition, Uuid> holders;
    for (const auto& [member, holding] : group.holdings) {
      for (const group::PartitionSet* held : {&holding.owned, &holding.revoking}) {
        for (const TopicPartition& id : *held) {
          const auto [holder, is_first] = holders.try_emplace(id, member);
          if (is_first || holder->second == member) continue;
          violated(text(id) + " is that of " + member.to_string() + " and of " +
                   holder->second.to_string());
        }
      }
    }
    for (const auto& [id, position] : group.positions) {
      auto& in_log = partitions_[id].in_log;
      const auto here = in_log.emplace(at, position.offset).first;
      const bool rises = here == in_log.begin() || std::prev(here)->second <= here->second;
      const bool goes_on =
          std::next(here) == in_log.end() || here->second <= std::next(here)->second;
      if (rises && goes_on) continue;
      violated(text(id) + " goes back at offset " + std::to_string(at.value()) + " of the log");
    }
  }

  static std::string text(const TopicPartition& id) {
    return "the position of partition " + std::to_string(id.partition.value());
  }

  std::map<Offset, std::pair<raft::NodeId, Bytes>> states_;  // of who was there first
  std::map<TopicPartition, Partition> partitions_;
};

}  // namespace penstock::sim
