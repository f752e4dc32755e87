// Status and changes of a cluster between client/cluster_status.h and the wire.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "base/result.h"
#include "client/cluster_status.h"
#include "protocol/wire/cluster.pb.h"

namespace penstock::client {

wire::v1::AlterClusterRequest to_wire(const ClusterChange& change);
// "drain broker 2", "move the replicas of orders/3": what was tried, for errors.
std::string describe(const ClusterChange& change);

// kBadFrame for an id that is none.
Result<ClusterStatus> status_from_wire(const wire::v1::ClusterStatusResponse& response);

}  // namespace penstock::client
