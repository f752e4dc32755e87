// PeerLink: the way from one shard to one other broker: two connections, one a lane, made when
// there is something to say and made again after failures.
//
// What send() takes leaves coalesced: everything that one turn of the event loop produced for this
// peer goes in one exchange a lane. Invariants: at most kMaxExchangesUnderWay exchanges a lane are
// unanswered; after a failure nobody tries again before the pause is over, and what waits meanwhile
// is bounded by the outbox. Threads: one executor. Lifetime: await close() before destruction.
// Failure: messages are lost without a word when the peer cannot be reached; consensus repeats.
// News of leaders wait for a connection, the newest of each partition. A peer that is not who we
// believe (another cluster, another broker) is logged once an episode and told nothing.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "broker/peer/leader_news.h"
#include "broker/peer/outbox.h"
#include "protocol/rpc/channel.h"

namespace penstock::broker {

struct PeerIdentity {
  Uuid cluster_id;
  raft::NodeId broker;
  Uuid directory;
};

class PeerLink {
 public:
  PeerLink(asio::any_io_executor executor, PeerIdentity self, raft::NodeId peer,
           rpc::Endpoint endpoint);
  ~PeerLink();
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  raft::NodeId peer() const { return peer_; }
  const rpc::Endpoint& endpoint() const { return endpoint_; }
  // Connects anew, there. Nothing happens when the address is the present one.
  void move_to(rpc::Endpoint endpoint);

  void send(GroupMessage message);
  void announce(const LeaderNews& news);

  // The last exchange was answered, or none was needed yet.
  bool is_up() const { return !down_; }
  std::uint64_t dropped() const { return outbox_.dropped(); }

  Task<void> close();

 private:
  using ChannelPtr = std::shared_ptr<rpc::Channel>;
  struct Way {
    ChannelPtr channel;
    std::size_t under_way = 0;
    std::uint32_t failures = 0;
    std::chrono::steady_clock::time_point pause_until = {};
  };

  Task<void> serve(Lane lane);
  bool has_work(Lane lane) const;
  // Returns with an open channel, or after a failure.
  Task<Status> connect(Lane lane);
  Task<Result<ChannelPtr>> open_channel();
  // An ExchangeRequest and what goes beside it.
  Bytes next_exchange(Lane lane, std::vector<SharedBytes>& attachment);
  Task<void> exchange(Lane lane, ChannelPtr channel, Bytes request,
                      std::vector<SharedBytes> attachment);
  void drop_channel(Way& way);
  void failed(Way& way, const Error& error);
  void succeeded(Way& way);
  Way& way(Lane lane) { return ways_[static_cast<std::size_t>(lane)]; }

  const PeerIdentity self_;
  const raft::NodeId peer_;
  const std::string name_;  // "broker 3", for logs
  rpc::Endpoint endpoint_;
  Outbox outbox_;
  std::unordered_map<TopicPartition, LeaderNews> news_;
  std::array<Way, kLanes.size()> ways_;
  bool down_ = false;
  bool closing_ = false;
  Wakeup changed_;  // there is work, or room for it
  Wakeup moved_;    // waiting out a pause has become pointless
  TaskGroup tasks_;
};

}  // namespace penstock::broker
