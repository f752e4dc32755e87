// Trouble: makes happen what the weather says, at random times, until it is told to stop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/sim/node.h"

namespace penstock::sim {

class Trouble {
 public:
  Trouble(Scene& scene, std::vector<std::unique_ptr<Node>>& nodes);

  void start();
  // Heals the network and the disks, wakes and starts every node.
  void stop();
  // A node that is gone for good and still a member somewhere.
  bool is_mourning() const { return lost_.has_value(); }

 private:
  // `what` happens again and again with that mean; never when it is 0.
  void every(double mean_s, std::function<void()> what);
  Node& any_node();
  // The one that leads, when there is one.
  Node* leader(GroupNumber group);
  GroupNumber any_group();
  void start_later(Node& node);

  void partition();
  void deafen_leader();
  // One of the next disk calls of some node is its last, or fails.
  void crash_in_disk_call();
  void fail_disk_call();
  void lose_disk();
  void crash_all();
  void rot(Node& node);
  void change_membership();
  // Does what an operator does about a lost disk: its node out, the new one in, group by group.
  void replace_lost();
  bool is_safe_to_lose(const Node& node);
  void restart_later(Node& node);

  Scene& scene_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  bool stopped_ = false;
  bool lost_once_ = false;
  std::optional<std::pair<raft::NodeId, raft::NodeId>> lost_;  // and who takes its place
};

}  // namespace penstock::sim
