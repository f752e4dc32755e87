// Copies: the replicas on one broker, brought to where its image of the cluster wants them: opened
// where it places them (and where a folder is left from before, since the group may count on it),
// given up when nobody counts on them any more.
//
// Invariants: a folder that was there once is never made anew as that of a founder, since its votes
// are gone (the file `placed` tells once from never, as in broker/server/topic_folders.h); nothing
// is made or given up before metadata is as new as it was here once. Lifetime: one life of the
// process. Threads: one. Failure: the node dies.
#pragma once

#include <map>
#include <optional>
#include <set>

#include "broker/controller/retirement.h"
#include "tests/sim/metadata.h"

namespace penstock::sim {

// What the leader of a group tells the other brokers.
struct GroupReport {
  GroupNumber group = 0;
  raft::NodeId leader;
  Term term;
  std::uint64_t number = 0;  // of this leader: messages between two brokers stay in order
  std::optional<broker::ReportedMembership> membership;
};

class Copies {
 public:
  Copies(Scene& scene, Node& node) : scene_(scene), node_(node) {}

  // Reads `placed`. False: the node died of it.
  bool load();
  // False: the node died of it.
  bool follow(const broker::ClusterImage& image);
  bool retire(const broker::ClusterImage& image);
  void hear(const GroupReport& report);
  // What is known of the memberships of groups.
  broker::ReportedMemberships reported() const;
  // Why a copy is kept.
  std::string why_kept(const broker::ClusterImage& image, GroupNumber group) const {
    return judge(image, group).why;
  }
  // Nothing of the topic is here.
  bool holds_nothing_of(const Uuid& topic) const;

 private:
  bool open(const broker::TopicImage& topic, const TopicPartition& id);
  bool mark_placed(Offset applied);
  broker::Retirement judge(const broker::ClusterImage& image, GroupNumber group) const;

  Scene& scene_;
  Node& node_;
  Offset placed_;
  bool is_marking_due_ = false;
  std::set<GroupNumber> on_disk_;  // folders, opened or not
  std::map<GroupNumber, Offset> placed_at_;
  std::map<GroupNumber, GroupReport> reports_;
};

}  // namespace penstock::sim
