// Network: carries messages between nodes, late, twice, out of order, or not at all.
//
// A message that is on the way when its link is cut or reset is lost. Links are one-way, so that
// one-way and partial partitions are just some of them cut. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <utility>

#include "broker/host/peer_message.h"
#include "tests/sim/weather.h"
#include "tests/sim/world.h"

namespace penstock::sim {

// Number of a simulated group.
using GroupNumber = int;

class Network {
 public:
  using Deliver = std::function<void(GroupNumber, const broker::PeerMessage&)>;

  Network(World& world, const Weather& weather, Deliver deliver)
      : world_(world), weather_(weather), deliver_(std::move(deliver)) {}

  void send(GroupNumber group, broker::PeerMessage message);

  void cut(raft::NodeId from, raft::NodeId to) { cut_.insert({from, to}); }
  void heal() { cut_.clear(); }
  bool is_cut(raft::NodeId from, raft::NodeId to) const { return cut_.contains({from, to}); }
  // All that is on the way is lost.
  void reset() { ++resets_; }
  // No more loss, duplication or slowness.
  void calm() { calm_ = true; }

 private:
  void carry(GroupNumber group, broker::PeerMessage message);
  void garble(broker::PeerMessage& message);

  World& world_;
  const Weather& weather_;
  Deliver deliver_;
  std::set<std::pair<raft::NodeId, raft::NodeId>> cut_;
  std::uint64_t resets_ = 0;
  bool calm_ = false;
};

}  // namespace penstock::sim
