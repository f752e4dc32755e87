// A broker that metadata calls drained, or that is no broker any more, holds nothing: no placement
// names it, and when that was decided no living partition counted its vote.
#pragma once

#include <map>
#include <string>

#include "tests/sim/groups.h"
#include "tests/sim/invariants/members_seen.h"

namespace penstock::sim {

class DrainedEmpty final : public Invariant {
 public:
  DrainedEmpty(Violations& violations, const Groups& groups)
      : Invariant(violations), groups_(groups) {}
  std::string_view name() const override { return "drained-empty"; }

  void stepped(const ReplicaView& view) override { members_.look(view); }
  void published(const BrokerView& view) override {
    if (newest_ && view.image->applied() <= newest_->applied()) return;
    for (const auto& [id, broker] : view.image->brokers()) {
      if (!is_empty(broker.mode)) continue;
      const broker::BrokerImage* before = newest_ ? newest_->find(id) : nullptr;
      if (before == nullptr || !is_empty(before->mode)) check(*view.image, id);
    }
    newest_ = view.image;
  }

 private:
  static bool is_empty(broker::BrokerMode mode) {
    return mode == broker::BrokerMode::kDrained || mode == broker::BrokerMode::kDecommissioned;
  }

  void check(const broker::ClusterImage& image, raft::NodeId id) {
    for (GroupNumber group = 0; group < groups_.count(); ++group) {
      const TopicPartition& name = groups_.name_of(group);
      const broker::TopicPtr topic = image.find(name.topic);
      if (topic == nullptr) continue;
      if (topic->partition(name.partition).has(id)) {
        violated(to_string(id) + " is drained, and group " + std::to_string(group) +
                 " is placed there");
      }
      if (members_.of(group).is_voter(id)) {
        violated(to_string(id) + " is drained, and a voter of group " + std::to_string(group) +
                 ": " + to_string(members_.of(group)));
      }
    }
  }

  const Groups& groups_;
  MembersSeen members_;
  broker::ImagePtr newest_;
};

}  // namespace penstock::sim
