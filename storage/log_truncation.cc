// Taking away: prefixes (retention, delete records), suffixes (replication), everything (a
// snapshot takes its place).
//
// Order of a prefix: the new log start is durable before any file goes. Order of a suffix: the
// checkpoint says where the log is to end, and that what lies beyond is to be cut, before anything
// is cut, and takes the order back when all of it is; a crash in between ends the same way. Of
// everything: both at once, in one checkpoint.
#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "storage/limits.h"
#include "storage/log.h"
#include "storage/log_state.h"
#include "storage/retention.h"

namespace penstock::storage {

Status Log::State::remove_segment_files(Offset base) {
  for (const SegmentFile kind : {SegmentFile::kLog, SegmentFile::kIndex}) {
    const Status removed = env.remove_file(path_of(base, kind));
    if (!removed && removed.error().code() != Errc::kNotFound) return removed;
  }
  return {};
}

namespace {

void forget_damage(std::vector<RecoveryReport::Damage>& damage, Offset begin, Offset end) {
  for (auto& range : damage) {
    if (range.begin < begin) range.begin = std::min(begin, range.end);
    if (range.end > end) range.end = std::max(end, range.begin);
  }
  std::erase_if(damage, [](const auto& range) { return range.begin >= range.end; });
}

}  // namespace

// --- prefix

// The checkpoint must not stand in a segment that is to go: at the very end of one, it moves to the
// beginning of the next.
Status Log::State::move_durable_point_out_of(Offset below) {
  const auto next = std::ranges::find(segments, durable.end(), &Segment::base);
  if (durable.end() > below || next == segments.end() || durable.segment_base == next->base) {
    return {};
  }
  if (files_created_synced < files_created) {
    PENSTOCK_TRY(fence_on(env.sync_dir(dir)));
    files_created_synced = files_created;
  }
  durable = LogPoint{next->base, Run{.last_epoch = durable.open.last_epoch}, next->created};
  return {};
}

Status Log::State::raise_log_start(Offset to, Term before) {
  PENSTOCK_TRY(move_durable_point_out_of(to));
  const Offset old_start = std::exchange(log_start, to);
  const Term old_term = std::exchange(start_term, before);
  if (Status stored = store_checkpoint(Mark::kNone, Copies::kBothSlots); !stored) {
    log_start = old_start;
    start_term = old_term;
    return stored;
  }
  forget_damage(damage, log_start, Offset(std::numeric_limits<std::int64_t>::max()));
  while (segments.size() > 1 && segments[1].base <= log_start) {
    // A file that cannot be removed now is removed by the next open.
    PENSTOCK_TRY(fence_on(remove_segment_files(segments.front().base)));
    segments.erase(segments.begin());
  }
  return {};
}

Status Log::truncate_prefix(Offset to) {
  State& s = *state_;
  s.take_findings();
  if (to <= s.log_start) return {};
  if (to > s.durable.end()) {
    return fail(Errc::kOffsetOutOfRange, "offset " + std::to_string(to.value()) +
                                             " is beyond the durable end " +
                                             std::to_string(s.durable.end().value()));
  }
  if (s.closed) return fail(Errc::kShuttingDown, s.dir + ": the log is closed");
  if (s.fenced) return fail(Errc::kFsyncFailed, s.dir + ": fenced");
  const bool everything = to == s.end;
  if (s.end_uncertain && !everything) {
    return fail(Errc::kPartitionDamaged, s.dir + ": the end of the log is not certain");
  }
  PENSTOCK_TRY_ASSIGN(const Term before, s.term_below(to));
  if (s.end_uncertain || (everything && s.segments.back().base != to)) {
    // The old segments go with all that they hold: the log goes on in a new one.
    if (s.segments.empty() || s.segments.back().sealed || s.end_uncertain) {
      if (!s.segments.empty()) s.segments.back().sealed = true;
      PENSTOCK_TRY(s.create_segment(to));
    } else {
      PENSTOCK_TRY(s.roll());
    }
    PENSTOCK_TRY(s.fence_on(s.env.sync_dir(s.dir)));
    s.files_created_synced = s.files_created;
    s.durable = s.segments.back().point();
    s.end_uncertain = false;
  }
  PENSTOCK_TRY(s.begin_writing());
  return s.raise_log_start(to, before);
}

Result<Offset> Log::batch_at(Offset offset) {
  PENSTOCK_TRY_ASSIGN(const auto found, read(offset, 1, ReadUpTo::kEnd));
  PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(found.batches.view()));
  return batch.base_offset();
}

Status Log::lower_start(Offset to) {
  State& s = *state_;
  s.take_findings();
  PENSTOCK_TRY_ASSIGN(const Offset begin, batch_at(s.log_start));
  if (to != begin) return fail(Errc::kInvalidArgument, s.dir + ": the batch begins elsewhere");
  if (to == s.log_start) return {};
  PENSTOCK_TRY(s.accept_writes());
  const auto segment = s.segment_of(to);
  PENSTOCK_ASSERT(segment != s.segments.end(), "the batch was read");
  PENSTOCK_TRY(s.load(*segment));
  // A batch is in one segment with its records; what was before it may have gone.
  Term before;
  for (const Run& run : s.runs_of(*segment)) {
    if (segment->base + run.base_delta < to) before = Term(run.last_epoch);
  }
  const Offset old_start = std::exchange(s.log_start, to);
  const Term old_term = std::exchange(s.start_term, before);
  Status stored = s.store_checkpoint(State::Mark::kNone, State::Copies::kBothSlots);
  if (stored) return stored;
  s.log_start = old_start;
  s.start_term = old_term;
  return stored;
}

Offset Log::retention_start(Offset limit) const {
  State& s = *state_;
  if (s.closed || s.fenced || s.end_uncertain || s.segments.empty()) return s.log_start;
  std::vector<RetentionSegment> found;
  for (const Segment& segment : s.segments) {
    found.push_back({segment.base, segment.end(), segment.size(), segment.open.max_timestamp_ms,
                     segment.open.appended_ms});
  }
  RetentionDecision decision = decide_retention(found, s.log_start, s.options, s.clock.wall());
  // What is not flushed yet, or not committed, is too young to go. Whole segments go.
  const Offset highest = std::min(limit, s.durable.end());
  if (decision.log_start > highest) {
    const auto first_kept = s.segment_of(highest);
    decision.log_start = first_kept == s.segments.end() ? s.log_start : first_kept->base;
  }
  return std::max(decision.log_start, s.log_start);
}

Result<std::uint64_t> Log::apply_retention(Offset limit) {
  state_->take_findings();
  const Offset start = retention_start(limit);
  if (start <= log_start()) return 0;
  const std::uint64_t before = size_bytes();
  PENSTOCK_TRY(truncate_prefix(start));
  return before - size_bytes();
}

// --- suffix

// The run that the open one becomes when the log ends at `from`, inside or at the edge of run
// number `index` of the segment.
Result<Run> Log::State::run_ending_at(Segment& segment, std::size_t index, Offset from) {
  const std::vector<Run> runs = runs_of(segment);
  Run start;
  if (index > 0) {
    start = next_run(runs[index - 1]);
  } else if (const auto self = segment_of(segment.base); self != segments.begin()) {
    start.last_epoch = std::prev(self)->open.last_epoch;
  }
  if (segment.base + start.end_delta == from) return start;
  const auto no_boundary = [from] {
    return fail(Errc::kInvalidArgument,
                "offset " + std::to_string(from.value()) + " is inside a batch or damage");
  };
  if (index == runs.size()) return no_boundary();
  const Run& run = runs[index];
  Bytes bytes(run.length);
  PENSTOCK_TRY_ASSIGN(const std::size_t got, segment.log->read_at(run.position, bytes));
  PENSTOCK_TRY(check_run_headers(run, segment.base, ByteView(bytes).first(got)));
  start.position = run.position;
  start.base_delta = start.end_delta = run.base_delta;
  for (ByteView rest = bytes; segment.base + start.end_delta < from;) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    extend(start, segment.base, batch, Timestamp(run.appended_ms));
    rest = rest.subspan(batch.size());
  }
  if (segment.base + start.end_delta != from) return no_boundary();
  return start;
}

// `index`: the segment that holds `from`, or ends there.
Status Log::State::cut_inside(std::size_t index, Offset from) {
  Segment& segment = segments[index];
  PENSTOCK_TRY(load(segment));
  const std::vector<Run> runs = runs_of(segment);
  const auto delta = static_cast<std::uint32_t>(from - segment.base);
  const auto kept = static_cast<std::uint32_t>(
      std::ranges::partition_point(runs, [&](const Run& run) { return run.end_delta <= delta; }) -
      runs.begin());
  PENSTOCK_TRY_ASSIGN(const Run open, run_ending_at(segment, kept, from));
  PENSTOCK_TRY(flush_now());

  ++segment.index_version;
  if (kept < segment.file_entries) {
    segment.resident->resize(kept);
    segment.file_entries = kept;
    segment.tail.clear();
  } else {
    // The open run may be one of those that stay.
    std::vector<Run> tail(runs.begin() + segment.file_entries, runs.begin() + kept);
    segment.tail = std::move(tail);
  }
  segment.open = open;
  segment.sealed = false;
  segment.seal_due = false;
  segment.next_allocation = 0;
  segments.resize(index + 1);
  return finish_cut();
}

// No segment holds `from`: those after the first `keep` go, and a new one begins there.
Status Log::State::cut_at_gap(std::size_t keep, Offset from) {
  PENSTOCK_TRY(flush_now());
  segments.resize(keep);
  PENSTOCK_TRY(create_segment(from));
  PENSTOCK_TRY(fence_on(env.sync_dir(dir)));
  files_created_synced = files_created;
  return finish_cut();
}

// All of them, known or stray: none may be there when the log grows to where it begins.
Status Log::State::remove_files_beyond(Offset base) {
  PENSTOCK_TRY_ASSIGN(const auto entries, env.list(dir));
  for (const FileInfo& entry : entries) {
    const auto name = parse_segment_name(entry.name);
    if (name && name->base > base) PENSTOCK_TRY(env.remove_file(dir + "/" + entry.name));
  }
  return env.sync_dir(dir);
}

// Segments in memory are as they are to be; makes the disk follow. Any failure fences: disk and
// memory would differ.
Status Log::State::finish_cut() {
  Segment& active = segments.back();
  durable = active.point();
  end = active.end();
  end_uncertain = false;
  forget_damage(damage, log_start, end);
  compaction.cut(end);
  swept_below = std::min(swept_below, end);
  ++*cuts;
  const auto or_fence = [this](Status status) {
    if (!status) fenced = true;
    return status;
  };
  PENSTOCK_TRY(or_fence(store_checkpoint(Mark::kCut, Copies::kNewestSlot)));
  PENSTOCK_TRY(or_fence(remove_files_beyond(active.base)));
  PENSTOCK_TRY(or_fence(active.log->truncate(active.size())));
  PENSTOCK_TRY(or_fence(active.log->sync_data()));
  active.allocated = active.size();
  PENSTOCK_TRY(or_fence(cut_side_file(active)));
  return or_fence(store_checkpoint(Mark::kNone, Copies::kBothSlots));
}

// A side file never speaks of batches that are no more.
Status Log::State::cut_side_file(const Segment& segment) {
  const auto file = env.open(path_of(segment.base, SegmentFile::kIndex), OpenMode::kReadWrite);
  if (!file) return file.error().code() == Errc::kNotFound ? Status() : fail(file.error());
  PENSTOCK_TRY((*file)->truncate(
      segment.header_due || segment.index_is_patched ? 0 : entry_position(segment.file_entries)));
  return (*file)->sync_data();
}

Status Log::truncate_suffix(Offset from) {
  State& s = *state_;
  s.take_findings();
  if (from > s.end || from < s.log_start) {
    return fail(Errc::kOffsetOutOfRange,
                "offset " + std::to_string(from.value()) + " is not in the log");
  }
  if (s.closed) return fail(Errc::kShuttingDown, s.dir + ": the log is closed");
  if (s.fenced) return fail(Errc::kFsyncFailed, s.dir + ": fenced");
  if (from == s.end && !s.end_uncertain) return {};
  // Its last segment may hold batches below its start, and damage from there on.
  if (from == s.log_start) return s.begin_anew(from, s.start_term);
  const auto found = s.segment_of(from);
  if (found == s.segments.end()) return s.cut_at_gap(0, from);
  const auto index = static_cast<std::size_t>(found - s.segments.begin());
  if (from > found->end()) return s.cut_at_gap(index + 1, from);
  return s.cut_inside(index, from);
}

// --- everything

Status Log::State::remove_files_below(Offset base) {
  PENSTOCK_TRY_ASSIGN(const auto entries, env.list(dir));
  for (const FileInfo& entry : entries) {
    const auto name = parse_segment_name(entry.name);
    if (name && name->base < base) PENSTOCK_TRY(env.remove_file(dir + "/" + entry.name));
  }
  return {};
}

// Until the first checkpoint is on disk the old log is in force, whole: even the file that the new
// one begins with may hold a part of it, and is emptied afterwards.
Status Log::State::begin_anew(Offset start, Term before) {
  if (!persisted && !end_uncertain) PENSTOCK_TRY(begin_writing());
  Segment segment;
  segment.base = start;
  segment.created = clock.wall();
  segment.open.last_epoch = before.value();
  segment.header_due = true;
  segment.resident.emplace();
  PENSTOCK_TRY_ASSIGN(segment.log,
                      env.open(path_of(start, SegmentFile::kLog), OpenMode::kOpenOrCreate));
  ++files_created;
  PENSTOCK_TRY(fence_on(env.sync_dir(dir)));
  files_created_synced = files_created;

  segments.clear();
  segments.push_back(std::move(segment));
  log_start = start;
  start_term = before;
  PENSTOCK_TRY(finish_cut());
  // One that cannot be removed now is removed by the next open.
  return fence_on(remove_files_below(start));
}

Status Log::reset_to(Offset start, Term before) {
  State& s = *state_;
  s.take_findings();
  if (start < Offset(0) || start > kLargestEnd || before < Term()) {
    return fail(Errc::kInvalidArgument, "a log cannot begin at offset " +
                                            std::to_string(start.value()) + " behind term " +
                                            std::to_string(before.value()));
  }
  if (s.closed) return fail(Errc::kShuttingDown, s.dir + ": the log is closed");
  if (s.fenced) return fail(Errc::kFsyncFailed, s.dir + ": fenced");
  return s.begin_anew(start, before);
}

}  // namespace penstock::storage
