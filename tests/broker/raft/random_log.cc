#include "random_log.h"

#include <algorithm>

namespace penstock::raft::random_world {

const Membership* RandomLog::membership_at(Offset end) const {
  for (Offset offset = end; offset > start.end; offset = offset - 1) {
    if (at(offset - 1).members != nullptr) return at(offset - 1).members;
  }
  return base;
}

EntryRange RandomLog::range(Offset begin, Offset end) const {
  EntryRange range{.begin = begin, .end = end, .runs = {}, .memberships = {}};
  for (Offset offset = begin; offset < end; offset = offset + 1) {
    const Record& record = at(offset);
    if (range.runs.empty() || range.runs.back().term != record.term) {
      range.runs.push_back({record.term, offset});
    }
    if (record.members != nullptr) range.memberships.push_back({offset, *record.members});
    range.bytes += 100;
  }
  return range;
}

Offset RandomLog::end_of_batches(Offset begin, std::int64_t max_records) const {
  Offset batches_end = begin;
  for (Offset offset = begin + 1; offset <= end(); offset = offset + 1) {
    if (offset < end() && !at(offset).begins_batch) continue;
    if (offset - begin > max_records && batches_end > begin) break;
    batches_end = offset;
  }
  return batches_end;
}

void RandomLog::truncate(Offset to) {
  records.resize(static_cast<std::size_t>(to - start.end));
  durable = std::min(durable, to);
}

void RandomLog::trim(Offset to) {
  const LogPoint new_start = point(to);
  base = membership_at(to);
  records.erase(records.begin(), records.begin() + (to - start.end));
  start = new_start;
}

void RandomLog::crash(Rng& rng) {
  Offset kept = durable + static_cast<std::int64_t>(
                              rng.below(static_cast<std::uint64_t>(end() - durable) + 1));
  while (kept > durable && kept < end() && !at(kept).begins_batch) kept = kept - 1;
  truncate(kept);
  durable = kept;
}

}  // namespace penstock::raft::random_world
