// What makes a log durable: flushes, and the checkpoints that vouch for them.
#include <algorithm>

#include "base/mutant.h"
#include "storage/log.h"
#include "storage/log_state.h"

namespace penstock::storage {

// --- flush

bool Log::needs_flush() const { return !state_->fenced && state_->end > state_->durable.end(); }

FlushWork Log::State::flush_work() const {
  FlushWork work;
  work.env = &env;
  work.cuts = cuts->load();
  work.files_created = files_created;
  work.point = durable;
  if (end == durable.end()) return work;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    if (segment->end() <= durable.end()) break;
    if (segment->size() > 0) work.files.push_back(segment->log);
  }
  if (files_created_synced < files_created) work.dir = dir;
  work.point = segments.back().point();
  return work;
}

FlushTicket Log::begin_flush() {
  FlushTicket ticket;
  if (state_->fenced) return ticket;  // a failed fsync is never tried again
  ticket.work_ = std::make_shared<const FlushWork>(state_->flush_work());
  return ticket;
}

Status FlushTicket::run() const {
  if (!work_) return {};
  for (const auto& file : work_->files) {
    if (!mutant(Mutant::kFlushSkipsData)) PENSTOCK_TRY(file->sync_data());
  }
  if (work_->dir && !mutant(Mutant::kFlushSkipsFolder))
    PENSTOCK_TRY(work_->env->sync_dir(*work_->dir));
  return {};
}

void Log::State::flushed(const FlushWork& work) {
  const bool was_cut = work.cuts != cuts->load();  // it speaks of another log then
  if (was_cut && !mutant(Mutant::kOldFlushesCount)) return;
  if (work.dir) files_created_synced = std::max(files_created_synced, work.files_created);
  if (work.point.end() > durable.end()) durable = work.point;
  if (!dirty_since_ns && checkpoint_is_dirty()) dirty_since_ns = clock.steady_ns();
}

void Log::complete_flush(const FlushTicket& ticket, const Status& status) {
  if (!status) {
    state_->fenced = true;
    return;
  }
  if (ticket.work_ && !state_->fenced) state_->flushed(*ticket.work_);
}

Status Log::State::flush_now() {
  FlushWork work = flush_work();
  for (const auto& file : work.files) PENSTOCK_TRY(fence_on(file->sync_data()));
  if (work.dir) PENSTOCK_TRY(fence_on(env.sync_dir(*work.dir)));
  flushed(work);
  return {};
}

Status Log::flush() {
  if (state_->fenced) return fail(Errc::kFsyncFailed, state_->dir + ": fenced");
  return state_->flush_now();
}

// --- checkpoint

bool Log::State::checkpoint_is_dirty() const {
  if (segments.empty() || end_uncertain) return false;
  if (!persisted || persisted->point != durable || persisted->log_start != log_start ||
      persisted->compaction != compaction) {
    return true;
  }
  return std::ranges::any_of(segments, [this](const Segment& segment) {
    return segment.base < durable.segment_base && segment.index_due();
  });
}

bool Log::wants_checkpoint() const {
  const State& s = *state_;
  if (s.fenced || s.closed || s.checkpoint_under_way || !s.dirty_since_ns) return false;
  const std::int64_t now = s.clock.steady_ns();
  if (now < s.next_checkpoint_ns || !s.checkpoint_is_dirty()) return false;
  if (now - *s.dirty_since_ns >= s.options.checkpoint_interval_ms * 1'000'000) return true;
  if (!s.persisted || s.persisted->point.segment_base != s.durable.segment_base) return true;
  return s.durable.position() - s.persisted->point.position() >= s.options.checkpoint_bytes;
}

// What is flushed by now, with the index entries that cover it.
CheckpointWork Log::State::checkpoint_work() {
  CheckpointWork work;
  work.side_files = side_files;
  work.generation = side_files->generation();
  work.checkpoint.identity = identity;
  work.checkpoint.log_start = log_start;
  work.checkpoint.start_term = start_term;
  work.checkpoint.point = durable;
  work.checkpoint.compaction = compaction;
  for (const Segment& segment : segments) {
    if (segment.base > durable.segment_base) break;
    const bool holds_point = segment.base == durable.segment_base;
    const auto all = segment.file_entries + static_cast<std::uint32_t>(segment.tail.size());
    const std::uint32_t runs = holds_point ? segment.runs_below(durable.open.position) : all;
    if (holds_point && !segment.index_is_patched) {
      work.checkpoint.index_entries = runs;
      work.entries_on_disk = std::min(runs, segment.header_due ? 0 : segment.file_entries);
    }
    if (!segment.index_due() || (runs == segment.file_entries && !segment.header_due &&
                                 !(segment.seal_due && runs == all))) {
      continue;
    }
    work.parts.push_back({segment.base, segment.index_version, runs});
    work.indexes.push_back(
        segment.index_write(path_of(segment.base, SegmentFile::kIndex), identity, runs));
  }
  return work;
}

CheckpointTicket Log::begin_checkpoint() {
  State& s = *state_;
  CheckpointTicket ticket;
  s.take_findings();
  if (s.fenced || s.closed || s.checkpoint_under_way || !s.checkpoint_is_dirty()) return ticket;
  s.checkpoint_under_way = true;
  ticket.work_ = std::make_shared<CheckpointWork>(s.checkpoint_work());
  return ticket;
}

Status CheckpointTicket::run() const {
  if (!work_) return {};
  PENSTOCK_TRY_ASSIGN(work_->stored,
                      work_->side_files->store(work_->generation, work_->indexes, work_->checkpoint,
                                               work_->entries_on_disk));
  return {};
}

void Log::State::checkpointed(const CheckpointWork& work) {
  persisted = work.checkpoint;
  dirty_since_ns.reset();
  if (work.stored == Stored::kWithoutIndexes) {
    persisted->index_entries = work.entries_on_disk;
    next_checkpoint_ns = clock.steady_ns() + options.checkpoint_interval_ms * 1'000'000;
  }
  for (std::size_t i = 0; work.stored == Stored::kAll && i < work.parts.size(); ++i) {
    const CheckpointWork::Part& part = work.parts[i];
    const auto segment = std::ranges::find(segments, part.base, &Segment::base);
    if (segment == segments.end() || segment->index_version != part.index_version) continue;
    segment->index_written(part.runs, work.indexes[i]);
  }
  if (checkpoint_is_dirty()) dirty_since_ns = clock.steady_ns();
}

void Log::complete_checkpoint(const CheckpointTicket& ticket, const Status& status) {
  State& s = *state_;
  if (!ticket.work_) return;
  s.checkpoint_under_way = false;
  if (!status) {
    s.next_checkpoint_ns = s.clock.steady_ns() + s.options.checkpoint_interval_ms * 1'000'000;
    if (status.error().code() != Errc::kDiskFull) s.fenced = true;
    return;
  }
  if (ticket.work_->generation == s.side_files->generation()) s.checkpointed(*ticket.work_);
}

Status Log::State::store_checkpoint(Mark mark, Copies copies) {
  take_findings();
  side_files->supersede();  // an older checkpoint that is under way must not come out on top
  CheckpointWork work = checkpoint_work();
  work.checkpoint.clean = mark == Mark::kClean;
  work.checkpoint.cut = mark == Mark::kCut;
  const int times = copies == Copies::kBothSlots ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    const auto stored =
        side_files->store(work.generation, work.indexes, work.checkpoint, work.entries_on_disk);
    if (!stored) return fence_on(fail(stored.error()));
    work.stored = *stored;
    checkpointed(work);
    if (work.stored == Stored::kAll) {  // the second slot vouches for the same side files
      work.indexes.clear();
      work.parts.clear();
    }
  }
  return {};
}

}  // namespace penstock::storage
