// BrokerCalls: requests from this broker to others that want an answer: joining, what is handed on,
// status. (What consensus sends goes by Peers.)
//
// One connection a broker, made when it is needed. Threads: one executor, the admin shard's.
// Lifetime: await close() before destruction. Failure: as rpc::Channel; kConnectFailed for a broker
// whose address is not known. The error inside an answer is the caller's to look at.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "base/task.h"
#include "broker/peer/peers.h"
#include "protocol/rpc/channel.h"

namespace penstock::broker {

class BrokerCalls {
 public:
  explicit BrokerCalls(std::string client_name) : client_name_(std::move(client_name)) {}

  void set_addresses(PeerAddresses addresses) { addresses_ = std::move(addresses); }
  const PeerAddresses& addresses() const { return addresses_; }

  // The answer's message.
  Task<Result<Bytes>> call(raft::NodeId broker, wire::Api api, Bytes message,
                           rpc::Deadline deadline);
  // By address, of whoever answers there; the connection is not kept.
  Task<Result<Bytes>> call(rpc::Endpoint endpoint, wire::Api api, Bytes message,
                           rpc::Deadline deadline) const;

  // Whether that broker's release knows the API: it says so when it is connected to.
  Task<Result<bool>> offers(raft::NodeId broker, wire::Api api, rpc::Deadline deadline);

  Task<void> close();

 private:
  using ChannelPtr = std::shared_ptr<rpc::Channel>;
  struct Connection {
    rpc::Endpoint endpoint;
    ChannelPtr channel;
  };
  ChannelPtr open_channel(raft::NodeId broker, const rpc::Endpoint& endpoint) const;  // or null
  Task<Result<ChannelPtr>> channel(raft::NodeId broker, rpc::Deadline deadline);

  const std::string client_name_;
  PeerAddresses addresses_;
  std::map<raft::NodeId, Connection> connections_;
  bool closed_ = false;
};

}  // namespace penstock::broker
