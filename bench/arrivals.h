// Arrivals: whether every record of a run came exactly once and in order, from their stamps.
//
// Invariants: records of one producer in one partition must come with rising numbers; what comes
// again or backwards is counted, not accepted twice.
// Threads: one at a time; one for each consumer, added up at the end (a partition has one
// consumer).
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/types.h"

namespace penstock::bench {

class Arrivals {
 public:
  // True when the record is new and in order.
  bool add(PartitionId partition, std::uint16_t producer, std::uint64_t number) {
    auto [at, first] = next_.try_emplace({partition.value(), producer}, number + 1);
    if (!first) {
      if (number < at->second) {
        ++repeated_;
        return false;
      }
      at->second = number + 1;
    }
    ++accepted_;
    return true;
  }

  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t repeated() const { return repeated_; }  // came again, or behind a later one

 private:
  std::map<std::pair<std::int32_t, std::uint16_t>, std::uint64_t> next_;
  std::uint64_t accepted_ = 0;
  std::uint64_t repeated_ = 0;
};

}  // namespace penstock::bench
