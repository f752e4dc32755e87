// Metadata: group 0 on one simulated broker: the production state machine, host and snapshots on a
// replica of the node, wired as broker/server/metadata_group.h does it.
//
// Lifetime: one life of the process. Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "broker/controller/cluster_state.h"
#include "broker/host/state_host.h"
#include "tests/sim/node.h"

namespace penstock::sim {

inline constexpr GroupNumber kMetadataGroup = 0;
// Every group 0 began with the first broker alone; who joins is told by it.
inline constexpr raft::NodeId kFirstBroker{1};

class Metadata {
 public:
  using Machine = broker::StateOf<broker::ClusterState, &broker::decode_metadata_record>;

  // Null: the node died of it. `changed`: there is another image, or another controller.
  static std::unique_ptr<Metadata> open(Scene& scene, Node& node, std::function<void()> changed);

  template <typename Command, typename Done>
  void carry_out(Command command, Done done) {
    broker::carry_out(*host_, machine_, std::move(command), std::move(done));
    node_.pump(kMetadataGroup);
  }

  const broker::ImagePtr& image() const { return image_; }
  bool is_controller() const { return host_->is_ready(); }
  raft::NodeId controller() const { return host_->leader(); }
  // As MetadataGroup's: everything is here that was committed when the controller was heard last,
  // and that was after `since_ms`.
  bool is_current(std::int64_t since_ms) const {
    return is_controller() || current_at_ms_ > since_ms;
  }
  bool follow(const broker::ReplicaOutput& output);

 private:
  Metadata(Scene& scene, Node& node, std::function<void()> changed);
  void publish();
  void make_snapshot();

  Scene& scene_;
  Node& node_;
  std::function<void()> changed_;
  Machine machine_;
  std::unique_ptr<broker::StateSnapshots> snapshots_;
  std::unique_ptr<broker::StateHost> host_;
  std::int64_t current_at_ms_ = -1;
  broker::ImagePtr image_ = std::make_shared<const broker::ClusterImage>();
};

}  // namespace penstock::sim
