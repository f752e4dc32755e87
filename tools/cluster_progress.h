// How far a change of a cluster is, by the status that brokers tell.
//
// Pure. Brokers of a change are told as wanted before anything has moved: a change that the status
// does not show yet is not done.
#pragma once

#include <string>

#include "client/cluster_status.h"

namespace penstock::tools {

struct ClusterProgress {
  bool done = false;
  std::string text;  // one line, "broker 2 is draining: 3 leaders, 10 replicas left"
};

// Drain and decommission end when the broker leads and holds nothing; others have no progress:
// done.
ClusterProgress progress_of(const client::ClusterChange& change,
                            const client::ClusterStatus& status);

}  // namespace penstock::tools
