// Peers: one shard's ways to the other brokers: who they are, where, and a link to each.
//
// Invariants: a link exists only while the broker has an address; an address that changes moves its
// link. Threads: the shard's. Lifetime: await close() before destruction. Failure: what is sent to
// a broker without an address, or that cannot be reached, is lost; consensus repeats.
#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "base/task.h"
#include "broker/peer/peer_link.h"

namespace penstock::broker {

using PeerAddresses = std::map<raft::NodeId, rpc::Endpoint>;

class Peers {
 public:
  Peers(asio::any_io_executor shard, PeerIdentity self);
  ~Peers();

  // All there are; this broker's own, if it is among them, is ignored.
  void set_addresses(const PeerAddresses& addresses);

  // To message.to.
  void send(const TopicPartition& group, PeerMessage message);
  // To everyone.
  void announce(const LeaderNews& news);

  // False also for a broker without an address.
  bool is_up(raft::NodeId broker) const;
  // Messages that found no room on their way.
  std::uint64_t dropped() const;

  Task<void> close();

 private:
  void end(std::unique_ptr<PeerLink> link);

  asio::any_io_executor shard_;
  const PeerIdentity self_;
  std::map<raft::NodeId, std::unique_ptr<PeerLink>> links_;
  std::uint64_t dropped_before_ = 0;  // by links that are gone
  TaskGroup ending_;                  // links of brokers that are gone
  bool closed_ = false;
};

}  // namespace penstock::broker
