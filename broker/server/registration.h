// Registration: how brokers tell the controller who they are and where.
//
// A broker registers when it joins and at every start, because its address may have changed. The
// one that begins a cluster registers when the second one comes. Threads: the admin shard's.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "broker/server/broker_context.h"
#include "protocol/wire/cluster.pb.h"

namespace penstock::broker {

// As its directory and its configuration say.
wire::v1::JoinRequest join_request(const NodeIdentity& identity, const rpc::Endpoint& address,
                                   const BrokerConfig& config, Timestamp started_at);

// The controller's part. `reached_at`: the address that the request came to.
Task<Result<wire::v1::JoinResponse>> register_broker(BrokerContext& broker,
                                                     wire::v1::JoinRequest request,
                                                     rpc::Endpoint reached_at);

// Registers this broker until it is heard, unless it is alone.
Task<void> register_self(BrokerContext& broker);

}  // namespace penstock::broker
