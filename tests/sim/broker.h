// SimBroker: what a broker does besides consensus: joins the cluster, follows the metadata, holds
// the copies that are placed on it, and, where it leads, brings memberships to where placement
// wants them. The decisions are those of broker/controller; this is the loop around them.
//
// Lifetime: of the node, over all of its lives. Threads: one.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "tests/sim/copies.h"
#include "tests/sim/leadership.h"
#include "tests/sim/metadata.h"
#include "tests/sim/node.h"

namespace penstock::sim {

class SimBroker;
using Brokers = std::vector<SimBroker*>;

class SimBroker final : public Resident {
 public:
  // `number`: of the one that begins the cluster; nobody for those that join.
  SimBroker(Scene& scene, Brokers& brokers, raft::NodeId number);

  // --- Resident
  void start(Node& node) override;
  void crash() override;
  void forget() override;
  bool follow(GroupNumber group, const broker::ReplicaOutput& output) override;

  // Null: it is down, or has no number yet.
  Metadata* metadata() { return metadata_.get(); }
  Copies* copies() { return copies_.get(); }
  Node& node() { return *node_; }
  bool is_up() const { return metadata_ != nullptr && node_->is_up() && !node_->is_paused(); }
  raft::NodeId number() const { return number_; }
  const Uuid& directory() const { return directory_; }
  void hear(const GroupReport& report);

 private:
  void open_metadata();
  void ask_to_register();
  void registered(const Result<raft::NodeId>& outcome);
  void changed();
  void upkeep();
  void forget_topics();

  Scene& scene_;
  Brokers& brokers_;
  Node* node_ = nullptr;
  Uuid directory_;
  raft::NodeId number_;
  std::size_t ask_next_ = 0;  // which broker
  std::uint64_t starts_ = 0;
  bool has_registered_ = false;  // once
  // --- of one life of the process
  bool registered_ = false;
  bool change_is_due_ = false;
  std::unique_ptr<Metadata> metadata_;
  std::unique_ptr<Copies> copies_;
  std::unique_ptr<Leadership> leadership_;
  std::set<Uuid> forgetting_;
};

}  // namespace penstock::sim
