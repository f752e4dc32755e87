// NumberedBatch: what the header of a batch says about its producer, without a look at its records.
//
// Threads: a value. Failure: kInvalidBatch for a header in which some of producer, epoch and
// sequence are missing, or that no producer could have written.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"

namespace penstock::broker {

struct NumberedBatch {
  std::int64_t producer = 0;
  std::int16_t epoch = 0;
  std::int32_t first_sequence = 0;
  // Sequences that it takes up; compaction may have left fewer records in it.
  std::int32_t records = 0;

  friend bool operator==(const NumberedBatch&, const NumberedBatch&) = default;
};

// None: no producer numbers this batch.
Result<std::optional<NumberedBatch>> numbers_of(const record::BatchView& batch);

// The time at which a broker says that it wrote the batch; none when only its producer says a time.
// Producers' clocks may be anywhere: nothing is forgotten because of them.
std::optional<Timestamp> broker_time_of(const record::BatchView& batch);

}  // namespace penstock::broker
