// RandomLog: the log on one simulated disk, record by record, with what of it would survive a
// crash.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "broker/raft/group.h"

namespace penstock::raft::random_world {

struct Record {
  Term term;
  std::uint64_t value = 0;  // unique in a world
  bool begins_batch = true;
  const Membership* members = nullptr;  // owned by the world
  friend bool operator==(const Record&, const Record&) = default;
};

struct RandomLog {
  LogPoint start;
  const Membership* base = nullptr;
  std::vector<Record> records;  // from start.end on
  Offset durable;

  Offset end() const { return start.end + static_cast<std::int64_t>(records.size()); }
  const Record& at(Offset offset) const {
    return records[static_cast<std::size_t>(offset - start.end)];
  }
  LogPoint point(Offset end) const {
    return end == start.end ? start : LogPoint{at(end - 1).term, end};
  }
  const Membership* membership_at(Offset end) const;
  EntryRange range(Offset begin, Offset end) const;
  // The end of the batches that begin in [begin, ...) and fit `max_records`, one batch at least.
  Offset end_of_batches(Offset begin, std::int64_t max_records) const;

  void truncate(Offset to);
  void trim(Offset to);
  // What a crash leaves: everything durable and any prefix of the rest.
  void crash(Rng& rng);
};

}  // namespace penstock::raft::random_world
