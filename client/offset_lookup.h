// Offsets of partitions by place or time, from the brokers that lead them.
#pragma once

#include <vector>

#include "client/client.h"
#include "client/cluster.h"

namespace penstock::client {

struct OffsetQuery {
  TopicPartition id;
  BrokerId leader = kNoBroker;
  Term leader_epoch;
  StartAt at;  // not kOffset
};

// One answer for each query, in order; a time that no record reaches gives the high watermark. One
// try: kNotLeader, kStaleEpoch and the like come back as they are.
Task<Result<std::vector<OffsetAnswer>>> look_up_offsets(Cluster& cluster,
                                                        std::vector<OffsetQuery> queries,
                                                        rpc::Deadline deadline);

}  // namespace penstock::client
