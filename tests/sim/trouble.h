// Trouble: makes happen what the weather says, at random times, until it is told to stop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tests/sim/node.h"

namespace penstock::sim {

class Trouble {
 public:
  Trouble(Scene& scene, std::vector<std::unique_ptr<Node>>& nodes, int groups);

  void start();
  // Heals the network and the disks, wakes and starts every node.
  void stop();

 private:
  // `what` happens again and again with that mean; never when it is 0.
  void every(double mean_s, std::function<void()> what);
  Node& any_node();
  // The one that leads, when there is one.
  Node* leader(GroupNumber group);
  GroupNumber any_group();
  void start_later(Node& node);

  void partition();
  void crash_in_disk_call();
  void crash_all();
  void rot();
  void change_membership();

  Scene& scene_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  const int groups_;
  bool stopped_ = false;
};

}  // namespace penstock::sim
