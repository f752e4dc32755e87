// Which partition a record goes to: by its key as Kafka's default does, or without a key to one
// partition at a time.
//
// Format: MurmurHash2 (Austin Appleby), 32 bit, seed 0x9747b28c, as published with Kafka's
// clients: the partition is (hash & 0x7fffffff) % partitions. Programs in any language agree on
// where a key lives; changing it would break the order of every keyed topic.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/types.h"

namespace penstock::client {

std::int32_t murmur2(ByteView bytes);

// `partitions` > 0.
PartitionId partition_of_key(ByteView key, std::uint32_t partitions);

// Records without a key stay with one partition until its batch is on its way, then go to the next:
// full batches, and an even load over time.
class StickyPartitioner {
 public:
  // `start` is drawn at random by the owner, so that many producers do not begin together.
  explicit StickyPartitioner(std::uint32_t start) : turn_(start) {}

  PartitionId current(std::uint32_t partitions) const {
    return PartitionId(static_cast<std::int32_t>(turn_ % partitions));
  }
  // The batch of `partition` was closed.
  void on_batch_closed(PartitionId partition, std::uint32_t partitions) {
    if (partition == current(partitions)) ++turn_;
  }

 private:
  std::uint32_t turn_;
};

}  // namespace penstock::client
