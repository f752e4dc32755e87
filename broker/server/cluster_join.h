// How a new broker becomes a member: it asks any broker of the cluster, until it is answered.
//
// Threads: blocking; runs its own event loop. Failure: an answer that will not change
// (kForeignData, kUnsupportedVersion, kInvalidArgument, ...) ends it; what may pass (nobody there
// yet, no controller at the moment) is tried again for ever, and logged now and then. SIGTERM and
// SIGINT, which penstockd blocks, end the process meanwhile: nothing is at stake yet.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "broker/peer/peers.h"
#include "protocol/wire/cluster.pb.h"

namespace penstock::broker {

// What a member learns when it registers.
struct Joined {
  Uuid cluster_id;
  raft::NodeId broker;
  PeerAddresses brokers;
};

enum class Patience : std::uint8_t {
  kOneRound,  // every address once
  kForEver,
};

// Asks each once, until one answers.
Task<Result<Joined>> ask_to_join(std::vector<rpc::Endpoint> seeds, wire::v1::JoinRequest request);

// Blocking: until it is a member.
Result<Joined> join_cluster(const std::vector<rpc::Endpoint>& seeds,
                            const wire::v1::JoinRequest& request, Patience patience);

// kInvalidArgument for an answer that cannot be one; its own error if it is one.
Result<Joined> joined_from(ByteView answer);

}  // namespace penstock::broker
