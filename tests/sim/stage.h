// Stage: what both kinds of life are made of: world, weather, network, nodes, clients, and those
// who look.
//
// Threads: one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/client.h"
#include "tests/sim/life.h"
#include "tests/sim/reader.h"
#include "tests/sim/trouble.h"

namespace penstock::sim {

class Stage {
 public:
  explicit Stage(const LifeOptions& options);
  virtual ~Stage() = default;

  LifeReport live();

 protected:
  // Everything has healed just now; true when all is as it should be.
  virtual void heal() = 0;
  virtual void start() {}
  virtual void stop() {}

  Node* node(raft::NodeId id);
  void run(std::int64_t for_ns);
  void add_clients(int count);
  // The groups take records since then.
  void check_working(const std::vector<GroupNumber>& groups, std::int64_t since_ns);
  // The leader, which has everything that its members have; null: told already.
  Node* check_level(GroupNumber group);
  Node* leader_of(GroupNumber group);
  void come_to_rest();
  std::string states(GroupNumber group);

  const LifeOptions options_;
  World world_;
  const Weather weather_;
  Violations violations_;
  Groups groups_;
  Network network_;
  std::vector<std::unique_ptr<Invariant>> invariants_;
  Scene scene_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  SimReader reader_;
  Trouble trouble_;
};

// kGroups: group_life.cc; kCluster: cluster_life.cc.
std::unique_ptr<Stage> make_group_life(const LifeOptions& options);
std::unique_ptr<Stage> make_cluster_life(const LifeOptions& options);

}  // namespace penstock::sim
