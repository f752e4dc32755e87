// PartitionSet: partitions in ascending order, each once, and what one does with two of them.
//
// Threads: a plain value.
#pragma once

#include <vector>

#include "base/types.h"

namespace penstock::group {

using PartitionSet = std::vector<TopicPartition>;

// Sorts, and drops what is there twice.
PartitionSet partition_set(std::vector<TopicPartition> partitions);
bool is_partition_set(const PartitionSet& partitions);

// Preconditions of all: is_partition_set().
bool contains(const PartitionSet& set, const TopicPartition& one);
bool includes(const PartitionSet& all, const PartitionSet& part);
PartitionSet together(const PartitionSet& a, const PartitionSet& b);
PartitionSet without(const PartitionSet& a, const PartitionSet& b);
PartitionSet common(const PartitionSet& a, const PartitionSet& b);

}  // namespace penstock::group
