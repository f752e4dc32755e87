// LogEndHistory: where a log ended at which time, to tell for how long a follower has been behind.
// Pure.
//
// Worked example: the log ended at 10 when it was looked at at 1,000 ms, and at 20 at 1,500 ms. A
// follower that holds everything below 10 lacks records since 1,500 ms; one that holds less, since
// 1,000 ms or before. Precision is that of the looks, and lower for what is long ago: the samples
// are thinned out when there are kMaxEndSamples.
#pragma once

#include <cstdint>
#include <vector>

#include "base/types.h"

namespace penstock::broker {

class LogEndHistory {
 public:
  // Free of cost when the log did not grow.
  void look(Offset log_end, std::int64_t now_ms);
  // For how long a follower that holds everything below `durable_end` has lacked something; 0: it
  // lacks nothing that was seen.
  std::int64_t behind_ms(Offset durable_end, std::int64_t now_ms) const;

 private:
  struct Sample {
    Offset end;
    std::int64_t at_ms;
  };
  void thin_out();

  std::vector<Sample> samples_;  // ascending
};

}  // namespace penstock::broker
