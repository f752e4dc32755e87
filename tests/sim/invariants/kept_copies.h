// Absence deletes nothing: a copy goes to trash only when metadata, as its broker knows it, says
// that the topic was deleted; or that the partition lives elsewhere, and the group's committed
// membership, as the world knows it, does not count its vote. (A learner that was taken back a
// moment ago begins anew: it votes only with the membership that made it a learner on its disk.)
#pragma once

#include <map>
#include <string>

#include "tests/sim/groups.h"
#include "tests/sim/invariants/members_seen.h"

namespace penstock::sim {

class KeptCopies final : public Invariant {
 public:
  KeptCopies(Violations& violations, const Groups& groups)
      : Invariant(violations), groups_(groups) {}
  std::string_view name() const override { return "kept-copies"; }

  void stepped(const ReplicaView& view) override { members_.look(view); }
  void published(const BrokerView& view) override {
    images_[view.node] = view.image;
    if (!newest_ || newest_->applied() < view.image->applied()) newest_ = view.image;
  }
  void trashed(raft::NodeId node, GroupNumber group, Gone /*why*/) override {
    const std::string what = to_string(node) + " gives up group " + std::to_string(group);
    const TopicPartition& id = groups_.name_of(group);
    const broker::ImagePtr image = images_[node];
    const broker::TopicPtr topic = image ? image->find(id.topic) : nullptr;
    if (topic == nullptr) {
      const bool was_deleted = image && image->deleted().contains(id.topic);
      if (!was_deleted) violated(what + ", of which its metadata knows nothing");
      return;
    }
    if (topic->partition(id.partition).has(node)) return violated(what + ", which is placed there");
    const bool is_gone = newest_->find(id.topic) == nullptr;
    if (!is_gone && members_.of(group).is_voter(node)) {
      violated(what + ", whose members are " + to_string(members_.of(group)));
    }
  }

 private:
  const Groups& groups_;
  MembersSeen members_;
  std::map<raft::NodeId, broker::ImagePtr> images_;
  broker::ImagePtr newest_;
};

}  // namespace penstock::sim
