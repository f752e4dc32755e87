// Putting damaged runs right with the bytes of another copy.
//
// A run's header checksum covers what the batches' own CRCs leave out, and these CRCs too: bytes
// that pass both are the ones that were written, so that nothing but their place is taken on trust.
#include <algorithm>

#include "storage/log.h"
#include "storage/log_state.h"

namespace penstock::storage {
namespace {

bool overlaps(const RecoveryReport::Damage& damage, Offset begin, Offset end) {
  return damage.begin < end && begin < damage.end;
}

// The part of `batches` that covers [begin, end) exactly.
ByteView part_of(ByteView batches, Offset begin, Offset end) {
  const std::byte* from = nullptr;
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch) return {};
    if (batch->base_offset() == begin) from = rest.data();
    rest = rest.subspan(batch->size());
    if (batch->end_offset() == end && from != nullptr) {
      return {from, static_cast<std::size_t>(rest.data() - from)};
    }
  }
  return {};
}

}  // namespace

bool Log::State::is_damaged(Offset begin, Offset end) const {
  return std::ranges::any_of(damage,
                             [&](const auto& range) { return overlaps(range, begin, end); });
}

Result<std::optional<Log::Mendable>> Log::mendable(std::uint64_t max_bytes) {
  State& s = *state_;
  s.take_findings();
  const std::vector<RecoveryReport::Damage> all = s.damage;
  for (const RecoveryReport::Damage& damage : all) {
    const auto segment = s.segment_of(damage.begin);
    if (segment == s.segments.end() || damage.begin >= segment->end()) continue;
    if (const Status loaded = s.load(*segment); !loaded) {
      const Errc code = loaded.error().code();
      if (code == Errc::kCorrupt || code == Errc::kNotFound) continue;
      return fail(loaded.error());  // a disk that fails now says nothing about what it holds
    }
    std::optional<Mendable> found;
    for (const Run& run : s.runs_of(*segment)) {
      const Offset begin = segment->base + run.base_delta;
      const Offset end = segment->base + run.end_delta;
      if (!overlaps(damage, begin, end)) continue;
      if (!found) {
        found = {begin, end, run.length};
      } else if (found->end == begin && found->bytes + run.length <= max_bytes) {
        found->end = end;
        found->bytes += run.length;
      }
    }
    if (found) return found;
  }
  return std::nullopt;
}

Status Log::State::write_again(Segment& segment, const Run& run, ByteView bytes) {
  PENSTOCK_TRY(segment.log->write_at(run.position, bytes));
  PENSTOCK_TRY(fence_on(segment.log->sync_data()));
  // Whoever reads there meanwhile may find a mixture; what that says of it is void.
  ++*cuts;
  PENSTOCK_TRY_ASSIGN(const auto left, damage_in_run(*segment.log, segment.base, run));
  if (!left.empty()) return fail(Errc::kIoError, left.front().reason);
  const Offset begin = segment.base + run.base_delta;
  const Offset end = segment.base + run.end_delta;
  std::vector<RecoveryReport::Damage> rest;
  for (const auto& range : damage) {
    if (!overlaps(range, begin, end)) {
      rest.push_back(range);
      continue;
    }
    if (range.begin < begin) rest.push_back({range.begin, begin, range.reason});
    if (end < range.end) rest.push_back({end, range.end, range.reason});
  }
  damage = std::move(rest);
  return {};
}

Result<std::size_t> Log::mend(ByteView batches) {
  State& s = *state_;
  s.take_findings();
  if (s.closed) return fail(Errc::kShuttingDown, s.dir + ": the log is closed");
  if (s.fenced) return fail(Errc::kFsyncFailed, s.dir + ": fenced");
  if (batches.empty() || s.damage.empty()) return 0;
  std::size_t mended = 0;
  for (Segment& segment : s.segments) {
    if (!s.is_damaged(segment.base, segment.end())) continue;
    if (!s.load(segment)) continue;
    for (const Run& run : s.runs_of(segment)) {
      const Offset begin = segment.base + run.base_delta;
      const Offset end = segment.base + run.end_delta;
      if (!s.is_damaged(begin, end)) continue;
      const ByteView part = part_of(batches, begin, end);
      if (part.size() != run.length || !check_run_headers(run, segment.base, part)) continue;
      PENSTOCK_TRY(s.write_again(segment, run, part));
      ++mended;
    }
  }
  return mended;
}

}  // namespace penstock::storage
