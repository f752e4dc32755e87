// Opening, closing, appending.
#include "storage/log.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/assert.h"
#include "protocol/record/sparse_batch.h"
#include "storage/limits.h"
#include "storage/log_state.h"
#include "storage/recovery.h"
#include "storage/retention.h"

namespace penstock::storage {

// --- opening and closing

Log::State::State(Env& the_env, const Clock& the_clock, std::string the_dir,
                  LogIdentity the_identity, LogOptions the_options)
    : env(the_env),
      clock(the_clock),
      dir(std::move(the_dir)),
      identity(the_identity),
      options(the_options),
      side_files(std::make_shared<SideFiles>(env, dir)),
      findings(std::make_shared<Findings>()),
      cuts(std::make_shared<std::atomic<std::uint64_t>>(0)) {}

Log::Log(std::unique_ptr<State> state) : state_(std::move(state)) {}
Log::~Log() = default;

Result<Log::Opened> Log::open(Env& env, const Clock& clock, std::string dir, LogIdentity identity,
                              LogOptions options) {
  auto state = std::make_unique<State>(env, clock, std::move(dir), identity, options);
  PENSTOCK_TRY(env.create_dirs(state->dir));
  auto recovered = recover(env, clock, state->dir, identity, state->run_bytes());
  if (!recovered) {
    return std::unexpected(std::move(recovered).error().context("open log " + state->dir));
  }
  state->segments = std::move(recovered->segments);
  state->log_start = recovered->log_start;
  state->start_term = recovered->start_term;
  state->end = recovered->end;
  state->durable = recovered->durable;
  state->end_uncertain = recovered->end_uncertain;
  state->damage = recovered->report.damage;
  // Without a checkpoint nobody knows which batches were rewritten.
  if (!recovered->newest) state->compaction.rewritten_end = recovered->end;
  if (recovered->newest) {
    state->persisted = recovered->newest->checkpoint;
    state->compaction = state->persisted->compaction;
    state->compaction.rewritten_end =
        std::max(state->compaction.rewritten_end, recovered->sparse_end);
    state->compaction.cut(state->end);
    state->side_files->resume(state->persisted->sequence, recovered->newest->slot);
  }
  if (state->persisted && state->persisted->cut) {
    // The cut is done; neither slot may ask for it again once something follows.
    PENSTOCK_TRY(state->store_checkpoint(State::Mark::kNone, State::Copies::kBothSlots));
  }
  if (state->checkpoint_is_dirty()) state->dirty_since_ns = clock.steady_ns();
  return Opened{std::unique_ptr<Log>(new Log(std::move(state))), std::move(recovered->report)};
}

Status Log::close() {
  State& s = *state_;
  if (s.closed) return {};
  s.closed = true;
  if (s.fenced) return fail(Errc::kFsyncFailed, s.dir + ": fenced, not closed cleanly");
  // Without a certain end there is nothing to vouch for; an untouched log is closed already.
  if (s.end_uncertain || s.segments.empty() || s.segments.back().sealed) return {};
  if (s.persisted && s.persisted->clean && !s.writable && !s.checkpoint_is_dirty()) return {};
  PENSTOCK_TRY(s.flush_now());
  Segment& active = s.segments.back();
  PENSTOCK_TRY(s.fence_on(active.log->truncate(active.size())));
  PENSTOCK_TRY(s.fence_on(active.log->sync_data()));
  return s.store_checkpoint(State::Mark::kClean, State::Copies::kNewestSlot);
}

Offset Log::log_start() const { return state_->log_start; }
Offset Log::log_end() const { return state_->end; }
Offset Log::durable_end() const { return state_->durable.end(); }
std::uint64_t Log::size_bytes() const {
  std::uint64_t bytes = 0;
  for (const Segment& segment : state_->segments) bytes += segment.size();
  return bytes;
}
bool Log::fenced() const { return state_->fenced; }
EndOfLog Log::end_of_log() const {
  const State& s = *state_;
  if (!s.end_uncertain) return EndOfLog::kCertain;
  // A segment that has gone as a whole says nothing of terms.
  const bool holds_end = !s.segments.empty() && s.segments.back().end() == s.end;
  const bool was_closed = s.persisted && s.persisted->clean && s.persisted->point.end() == s.end;
  return holds_end && was_closed ? EndOfLog::kClosed : EndOfLog::kUnknown;
}
void Log::set_options(const LogOptions& options) { state_->options = options; }
const LogOptions& Log::options() const { return state_->options; }
std::uint32_t Log::rebuilt_indexes() const {
  state_->take_findings();
  return state_->rebuilt_indexes;
}

// --- append

std::uint64_t Log::State::segment_bytes() const { return effective_segment_bytes(options); }

std::uint64_t Log::State::run_bytes() const {
  return std::max<std::uint64_t>(options.index_interval_bytes,
                                 segment_bytes() / kMaxRunsPerSegment);
}

Status Log::State::fence_on(Status status) {
  if (!status) {
    const Errc code = status.error().code();
    if (code == Errc::kFsyncFailed || code == Errc::kIoError) fenced = true;
  }
  return status;
}

Status Log::State::accept_writes() {
  if (closed) return fail(Errc::kShuttingDown, dir + ": the log is closed");
  if (fenced) return fail(Errc::kFsyncFailed, dir + ": fenced after a failed write or flush");
  if (end_uncertain) {
    return fail(Errc::kPartitionDamaged,
                dir + ": acknowledged records at the end are damaged or missing");
  }
  return begin_writing();
}

// Once after open, before anything is changed: there is a segment to append to, and the checkpoint
// on disk does not say that the log is closed.
Status Log::State::begin_writing() {
  if (writable) return {};
  const bool fresh_folder = !persisted;
  if (fresh_folder) PENSTOCK_TRY(fence_on(env.sync_dir(dir_of(dir))));
  if (segments.empty() || segments.back().sealed) {
    PENSTOCK_TRY(create_segment(end));
    PENSTOCK_TRY(fence_on(env.sync_dir(dir)));
    files_created_synced = files_created;
    durable = segments.back().point();
  }
  if (!persisted || persisted->clean) {
    PENSTOCK_TRY(store_checkpoint(Mark::kNone, Copies::kNewestSlot));
  }
  writable = true;
  return {};
}

Status Log::State::create_segment(Offset base) {
  Segment segment;
  segment.base = base;
  segment.created = clock.wall();
  segment.open.last_epoch =
      segments.empty() ? durable.open.last_epoch : segments.back().open.last_epoch;
  segment.header_due = true;
  segment.resident.emplace();
  PENSTOCK_TRY_ASSIGN(segment.log,
                      env.open(path_of(base, SegmentFile::kLog), OpenMode::kOpenOrCreate));
  // An attempt that failed half-way may have left the file.
  PENSTOCK_TRY(fence_on(segment.log->truncate(0)));
  ++files_created;
  segments.push_back(std::move(segment));
  return {};
}

bool Log::State::roll_is_due(std::uint64_t bytes, std::int64_t offsets) const {
  const Segment& active = segments.back();
  if (active.size() == 0) return false;
  return active.size() + bytes > segment_bytes() ||
         std::int64_t{active.open.end_delta} + offsets > kMaxSegmentOffsets ||
         clock.wall().ms() - active.created.ms() > options.segment_ms;
}

Status Log::State::roll() {
  PENSTOCK_TRY(create_segment(end));
  Segment& old = segments[segments.size() - 2];
  old.seal();
  touch(old);
  // Gives back the space that was reserved ahead; zeros left behind are harmless.
  if (old.log->truncate(old.size())) old.allocated = old.size();
  return {};
}

Status Log::State::reserve(Segment& segment, std::uint64_t end_position) {
  if (end_position <= segment.allocated) return {};
  if (segment.next_allocation == 0) {
    segment.next_allocation =
        std::clamp(std::bit_ceil(segment.size()), kFirstAllocationBytes, kLargestAllocationBytes);
  }
  const std::uint64_t unit = kAllocationUnitBytes;
  const std::uint64_t needed = (end_position + unit - 1) / unit * unit;
  const std::uint64_t limit = std::max(needed, (segment_bytes() + unit - 1) / unit * unit);
  const std::uint64_t ahead =
      std::min(std::max(needed, segment.allocated + segment.next_allocation), limit);
  Status reserved = segment.log->allocate(ahead);
  if (reserved) {
    segment.next_allocation = std::min(segment.next_allocation * 2, kLargestAllocationBytes);
    segment.allocated = ahead;
    return {};
  }
  if (reserved.error().code() == Errc::kDiskFull) {
    reserved = segment.log->allocate(end_position);  // just what is needed may still fit
    if (reserved) segment.allocated = end_position;
  }
  return fence_on(std::move(reserved));
}

// Bytes of a failed write must not come back as records: the caller was told that it failed.
Status Log::State::undo_write(Segment& segment, const Error& why) {
  segment.allocated = segment.size();
  const Status cut = segment.log->truncate(segment.size());
  const bool undone = cut && segment.log->sync_data();
  if (!undone || why.code() != Errc::kDiskFull) fenced = true;
  if (undone) return fail(why);
  return fail(Errc::kIoError, why.message() + "; and it could not be undone");
}

Result<AppendInfo> Log::State::write(ByteView batches, const AppendInfo& info) {
  if (roll_is_due(batches.size(), info.last_offset - info.base_offset + 1)) PENSTOCK_TRY(roll());
  Segment& active = segments.back();
  const std::uint64_t position = active.size();
  PENSTOCK_TRY(reserve(active, position + batches.size()));
  if (const Status written = active.log->write_at(position, batches); !written) {
    return std::unexpected(undo_write(active, written.error()).error());
  }
  const Timestamp now = clock.wall();
  const std::uint64_t run_limit = run_bytes();
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    PENSTOCK_ASSERT(batch.has_value(), "batches were checked before they were written");
    active.add(*batch, now, run_limit);
    if (record::is_sparse(*batch)) {
      compaction.rewritten_end = std::max(compaction.rewritten_end, batch->end_offset());
    }
    rest = rest.subspan(batch->size());
  }
  end = active.end();
  return info;
}

namespace {

std::unexpected<Error> refuse(Errc code, std::string why) { return fail(code, std::move(why)); }

Result<record::BatchView> next_batch(ByteView rest, Term epoch, Term last_epoch) {
  PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
  if (batch.size() > kMaxBatchBytes) {
    return refuse(Errc::kBatchTooLarge, "a batch of " + std::to_string(batch.size()) +
                                            " bytes, the log takes " +
                                            std::to_string(kMaxBatchBytes));
  }
  if (epoch < last_epoch) {
    return refuse(Errc::kStaleEpoch, "epoch " + std::to_string(epoch.value()) +
                                         ", but the log has seen " +
                                         std::to_string(last_epoch.value()));
  }
  return batch;
}

Status check_append_size(ByteView batches) {
  if (batches.empty()) return refuse(Errc::kInvalidArgument, "nothing to append");
  if (batches.size() > kMaxAppendBytes) {
    return refuse(Errc::kBatchTooLarge, "an append of " + std::to_string(batches.size()) +
                                            " bytes, the log takes " +
                                            std::to_string(kMaxAppendBytes));
  }
  return {};
}

// Offsets of a segment are 32 bits, and one append is never torn over two.
Status check_append_span(const AppendInfo& info) {
  if (info.last_offset - info.base_offset < kMaxSegmentOffsets) return {};
  return refuse(Errc::kInvalidBatch,
                "an append that spans " + std::to_string(info.last_offset - info.base_offset + 1) +
                    " offsets, a segment holds " + std::to_string(kMaxSegmentOffsets));
}

void note_batch(AppendInfo& info, const record::BatchView& batch) {
  info.last_offset = batch.last_offset();
  info.max_timestamp = std::max(info.max_timestamp, batch.max_timestamp());
}

}  // namespace

Result<AppendInfo> Log::append(MutableByteView batches, Term epoch) {
  State& s = *state_;
  PENSTOCK_TRY(s.accept_writes());
  PENSTOCK_TRY(check_append_size(batches));
  AppendInfo info{s.end, s.end, Timestamp()};
  Offset next = s.end;
  for (MutableByteView rest = batches; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, next_batch(rest, epoch, last_epoch()));
    if (next > kLargestEnd) return refuse(Errc::kInvalidBatch, "offsets are used up");
    record::assign_position(rest.first(batch.size()), next, epoch);
    note_batch(info, batch);
    next = batch.end_offset();
    rest = rest.subspan(batch.size());
  }
  PENSTOCK_TRY(check_append_span(info));
  return s.write(batches, info);
}

Result<AppendInfo> Log::append_assigned(ByteView batches) {
  State& s = *state_;
  PENSTOCK_TRY(s.accept_writes());
  PENSTOCK_TRY(check_append_size(batches));
  AppendInfo info{s.end, s.end, Timestamp()};
  Offset next = s.end;
  Term last = last_epoch();
  for (ByteView rest = batches; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto peek, record::BatchView::parse(rest));
    PENSTOCK_TRY_ASSIGN(const auto batch, next_batch(rest, peek.leader_epoch(), last));
    if (batch.base_offset() != next) {
      return refuse(Errc::kInvalidBatch,
                    "base offset " + std::to_string(batch.base_offset().value()) +
                        " does not continue the log's end " + std::to_string(next.value()));
    }
    note_batch(info, batch);
    next = batch.end_offset();
    last = batch.leader_epoch();
    rest = rest.subspan(batch.size());
  }
  PENSTOCK_TRY(check_append_span(info));
  return s.write(batches, info);
}

}  // namespace penstock::storage
