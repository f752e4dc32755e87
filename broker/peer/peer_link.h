// PeerLink: the way from one shard to one other broker: two connections, one a lane, made when
// there is something to say and made again after failures.
//
// What send() takes leaves coalesced: everything that one turn of the event loop produced for this
// peer goes in one exchange a lane. Invariants: at most kMaxExchangesUnderWay exchanges a lane are
// unanswered; after a failure nobody tries again before the pause is over, and what waits meanwhile
// is bounded by the outbox. Threads: one executor. Lifetime: await close() before destruction.
// Failure: messages are lost without a word when the peer cannot be reached; consensus repeats.
// A peer that is not who we believe (another cluster, another directory) is logged once an episode.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "broker/peer/outbox.h"
#include "protocol/rpc/channel.h"

namespace penstock::broker {

struct PeerIdentity {
  Uuid cluster_id;
  raft::NodeId broker;
  Uuid directory;
};

// What a partition's leader tells all brokers.
struct LeaderNews {
  TopicPartition partition;
  raft::NodeId leader;
  Term term;  // the larger one is the newer
  // Of the group, when it is committed; of nobody: it is changing.
  raft::Membership membership = {};
  // Placement epoch that the membership was brought to; zero: on its way.
  Offset placed_at = {};
};

class PeerLink {
 public:
  PeerLink(asio::any_io_executor executor, PeerIdentity self, raft::NodeId peer,
           rpc::Endpoint endpoint);
  ~PeerLink();
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  raft::NodeId peer() const { return peer_; }
  // Where to connect the next time.
  void move_to(rpc::Endpoint endpoint);

  void send(GroupMessage message);
  void announce(const LeaderNews& news);

  // The last exchange was answered, or none was needed yet.
  bool is_up() const { return !down_; }
  std::uint64_t dropped() const { return outbox_.dropped(); }

  Task<void> close();

 private:
  struct Way {
    std::shared_ptr<rpc::Channel> channel;
    std::uint32_t under_way = 0;
    std::uint32_t failures = 0;
  };

  Task<void> serve(Lane lane);
  bool has_work(Lane lane) const;
  Task<Status> connect(Way& way);
  wire::v1::ExchangeRequest next_exchange(Lane lane, std::vector<SharedBytes>& attachment);
  Task<void> exchange(Lane lane, std::shared_ptr<rpc::Channel> channel,
                      wire::v1::ExchangeRequest request, std::vector<SharedBytes> attachment);
  void failed(Way& way, const Error& error);
  void succeeded(Way& way);
  Way& way(Lane lane) { return ways_[static_cast<std::size_t>(lane)]; }

  asio::any_io_executor executor_;
  const PeerIdentity self_;
  const raft::NodeId peer_;
  rpc::Endpoint endpoint_;
  Outbox outbox_;
  std::vector<LeaderNews> news_;
  std::array<Way, kLanes.size()> ways_;
  bool down_ = false;
  bool closing_ = false;
  Wakeup changed_;
  TaskGroup tasks_;
};

}  // namespace penstock::broker
