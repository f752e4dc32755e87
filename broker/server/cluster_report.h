// The parts of a ClusterStatus answer, and how the answers of several brokers become one. Pure.
//
// A partition is described by its leader, which alone knows how far the others are; of two brokers
// that say they lead it the one with the larger term is believed. What nobody leads is told from
// the metadata.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/controller/reconcile.h"
#include "protocol/wire/cluster.pb.h"
#include "storage/log.h"

namespace penstock::broker {

// A group as its leader knows it.
struct LedStatus {
  LedGroup group;
  Term term;
  Offset durable_end;
  Offset high_watermark;
  std::vector<storage::Log::SegmentInfo> segments;
};

// `behind_ms`: for how long a follower with that durable end has been behind. Under-replicated: not
// as many voters are there and level as replicas are wanted. At risk: that, and the next voter that
// fails takes the majority along.
void describe_led(const LedStatus& led, const std::function<std::int64_t(Offset)>& behind_ms,
                  wire::v1::ClusterStatusResponse::PartitionStatus& out);

// A broker as the metadata knows it.
void describe_broker(const BrokerImage& broker, wire::v1::ClusterStatusResponse::BrokerStatus& out);

// Takes in what another broker tells of itself, its partitions and its disk.
void merge(wire::v1::ClusterStatusResponse part, wire::v1::ClusterStatusResponse& all);

// Adds the partitions that nobody has described; sorts everything.
void complete(const ClusterImage& image, wire::v1::ClusterStatusResponse& all);

}  // namespace penstock::broker
