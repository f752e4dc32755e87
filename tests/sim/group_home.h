// GroupHome: the log in which consumer groups live, on one simulated node: the production state
// machine, host, snapshots and sessions on a replica of the node, wired as
// broker/server/group_coordinator.h does it.
//
// Lifetime: one life of the process. Threads: one.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "broker/group/group_sessions.h"
#include "broker/group/group_state.h"
#include "broker/host/state_host.h"
#include "tests/sim/node.h"

namespace penstock::sim {

class GroupHome {
 public:
  using Machine = broker::StateOf<group::GroupState, &group::decode_group_record>;

  // Null: the node died of it, or does not start for want of space.
  static std::unique_ptr<GroupHome> open(Scene& scene, Node& node, GroupNumber number,
                                         const raft::Membership& first, group::TopicViewPtr topics);

  bool coordinates() const { return leads_in_.has_value(); }
  raft::NodeId coordinator() const { return host_->leader(); }
  // Its topics and time are filled in here.
  template <typename Command, typename Done>
  void carry_out(Command command, Done done) {
    if (!coordinates()) return done(fail(Errc::kNotLeader));
    if constexpr (requires { command.topics; }) {
      command.topics = topics_;
      command.now = node_.clock().wall();
    }
    broker::carry_out(*host_, machine_, std::move(command), std::move(done));
    node_.pump(number_);
  }
  void heard(const std::string& group, const Uuid& member);
  bool follow(const broker::ReplicaOutput& output);

 private:
  GroupHome(Scene& scene, Node& node, GroupNumber number, group::TopicViewPtr topics);

  std::int64_t now_ms() const { return scene_.world.now_ns() / kMs; }
  void published();
  void notice_role();
  void remove_the_dead();
  void make_snapshot();

  Scene& scene_;
  Node& node_;
  const GroupNumber number_;
  const group::TopicViewPtr topics_;
  Machine machine_;
  std::unique_ptr<broker::StateSnapshots> snapshots_;
  std::unique_ptr<broker::StateHost> host_;
  group::GroupSessions sessions_;
  std::optional<Term> leads_in_;
};

// By node; null: that one is down.
using GroupHomes = std::vector<std::unique_ptr<GroupHome>>;

}  // namespace penstock::sim
