#include "broker/group/partition_set.h"

#include <algorithm>
#include <functional>
#include <iterator>

namespace penstock::group {

PartitionSet partition_set(std::vector<TopicPartition> partitions) {
  std::ranges::sort(partitions);
  const auto repeated = std::ranges::unique(partitions);
  partitions.erase(repeated.begin(), repeated.end());
  return partitions;
}

bool is_partition_set(const PartitionSet& partitions) {
  return std::ranges::adjacent_find(partitions, std::greater_equal()) == partitions.end();
}

bool contains(const PartitionSet& set, const TopicPartition& one) {
  return std::ranges::binary_search(set, one);
}

bool includes(const PartitionSet& all, const PartitionSet& part) {
  return std::ranges::includes(all, part);
}

PartitionSet together(const PartitionSet& a, const PartitionSet& b) {
  PartitionSet result;
  result.reserve(a.size() + b.size());
  std::ranges::set_union(a, b, std::back_inserter(result));
  return result;
}

PartitionSet without(const PartitionSet& a, const PartitionSet& b) {
  PartitionSet result;
  std::ranges::set_difference(a, b, std::back_inserter(result));
  return result;
}

PartitionSet common(const PartitionSet& a, const PartitionSet& b) {
  PartitionSet result;
  std::ranges::set_intersection(a, b, std::back_inserter(result));
  return result;
}

}  // namespace penstock::group
