// Batches and tables of tests: a few words each.
#pragma once

#include <ostream>
#include <string>

#include "base/assert.h"
#include "broker/producers/note_batches.h"
#include "protocol/record/builder.h"

namespace penstock::broker {

inline std::ostream& operator<<(std::ostream& to, const Verdict& verdict) {
  if (std::holds_alternative<NewBatch>(verdict)) return to << "new";
  if (const auto* const there = std::get_if<RepeatedBatch>(&verdict)) {
    return to << "repeated at " << there->base.value() << " to " << there->end.value()
              << (there->committed ? ", committed" : ", not committed");
  }
  const auto& refused = std::get<RefusedBatch>(verdict);
  return to << info(refused.code).name << " epoch " << refused.epoch << " expected "
            << refused.expected_sequence;
}

inline const TopicPartition kPartition{*Uuid::parse("000102030405060708090a0b0c0d0e0f"),
                                       PartitionId(3)};

// A stored batch: numbered, or nobody's with producer -1.
inline Bytes stored(const NumberedBatch& numbers, Offset base, Term term = Term(1)) {
  record::BatchBuilder builder({.producer_id = numbers.producer,
                                .producer_epoch = numbers.epoch,
                                .base_sequence = numbers.first_sequence});
  for (std::int32_t i = 0; i < numbers.records; ++i) {
    builder.append(Timestamp(1'000 + i), std::nullopt, as_bytes("value"));
  }
  auto batch = builder.build();
  PENSTOCK_ASSERT(batch.has_value(), "small batches are built");
  record::assign_position(*batch, base, term);
  return *std::move(batch);
}

inline Bytes operator+(Bytes first, const Bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// A table and the end of its log: batches are appended where the log ends.
struct TestLog {
  explicit TestLog(ProducerTableOptions options = {}) : table(options) {}

  // Appends what the table calls new, and says what it called it.
  Verdict send(const NumberedBatch& batch) {
    const Verdict verdict = table.check(batch);
    if (std::holds_alternative<NewBatch>(verdict)) append(batch);
    return verdict;
  }
  void append(const NumberedBatch& batch, std::optional<Timestamp> stamped = std::nullopt) {
    const Offset base = table.end();
    table.appended({base, base + batch.records, batch, stamped});
  }
  // Somebody else's records.
  void others(std::int64_t records) {
    table.appended({table.end(), table.end() + records, std::nullopt, std::nullopt});
  }
  void time(std::int64_t ms) {
    table.appended({table.end(), table.end() + 1, std::nullopt, Timestamp(ms)});
    commit();
  }
  void commit() { table.committed(table.end()); }

  ProducerTable table;
};

}  // namespace penstock::broker
