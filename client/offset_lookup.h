// Offsets of partitions by place or time, from the brokers that lead them.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "client/cluster.h"

namespace penstock::client {

struct OffsetQuery {
  std::string topic;
  TopicPartition id;
  PartitionMetadata known;
  StartAt at;  // not kOffset
};

// One answer for each query, in order; a time that no record reaches gives the high watermark. One
// try: kNotLeader, kStaleEpoch and the like come back as they are.
Task<Result<std::vector<OffsetAnswer>>> look_up_offsets(Cluster& cluster,
                                                        std::vector<OffsetQuery> queries,
                                                        rpc::Deadline deadline);

// What a leader said of a partition that metadata tells of. kUnknownTopic and kUnknownPartition are
// kNotReady: the broker may not have heard of its new partition yet; was the topic deleted, then
// metadata will say so.
Status said_by_leader(Status status);

}  // namespace penstock::client
