// Reading: by offset, by timestamp; damage; digests.
#include <algorithm>

#include "protocol/record/record.h"
#include "storage/index_loader.h"
#include "storage/limits.h"
#include "storage/log.h"
#include "storage/log_state.h"

namespace penstock::storage {

// --- segments and their indexes

std::string Log::State::path_of(Offset base, SegmentFile kind) const {
  return dir + "/" + segment_file_name(base, kind);
}

std::vector<Segment>::iterator Log::State::segment_of(Offset offset) {
  const auto behind = std::ranges::upper_bound(segments, offset, {}, &Segment::base);
  return behind == segments.begin() ? segments.end() : std::prev(behind);
}

Status Log::State::open_log_file(Segment& segment) {
  if (segment.log) return {};
  auto file = env.open(path_of(segment.base, SegmentFile::kLog), OpenMode::kReadWrite);
  if (file) {
    segment.log = *std::move(file);
    return {};
  }
  if (file.error().code() != Errc::kNotFound) return fail(file.error());
  note_damage({segment.base, segment.end(),
               path_of(segment.base, SegmentFile::kLog) + ": the file has gone"});
  return fail(Errc::kCorrupt, file.error().message());
}

// Keeps the files and indexes of the sealed segments that were used last.
void Log::State::touch(Segment& segment) {
  segment.last_use = ++uses;
  std::size_t held = 0;
  Segment* oldest = nullptr;
  for (Segment& other : segments) {
    const bool droppable = other.sealed && !other.index_due() && !other.index_is_patched &&
                           other.end() <= durable.end();
    if (!droppable || (!other.log && !other.resident)) continue;
    ++held;
    if (&other == &segment) continue;
    if (oldest == nullptr || other.last_use < oldest->last_use) oldest = &other;
  }
  if (held <= kMaxResidentSealed || oldest == nullptr) return;
  oldest->resident.reset();
  oldest->log.reset();
}

IndexSource Log::State::index_source(const Segment& segment) const {
  const Run& end_of_file = segment.first_beyond_file();
  return IndexSource{.env = &env,
                     .path = path_of(segment.base, SegmentFile::kIndex),
                     .log = segment.log,
                     .identity = identity,
                     .base = segment.base,
                     .end_position = end_of_file.position,
                     .end_delta = end_of_file.base_delta,
                     .run_bytes = run_bytes(),
                     .now = clock.wall()};
}

void Log::State::adopt(Segment& segment, LoadedIndex loaded) {
  if (!loaded.rebuilt) {
    segment.file_entries = static_cast<std::uint32_t>(loaded.runs.size());
    segment.resident = std::move(loaded.runs);
    return;
  }
  ++rebuilt_indexes;
  const Runs kind = loaded.gaps.empty() ? Runs::kWhole : Runs::kWithGaps;
  segment.replace_runs(std::move(loaded.runs), kind);
  for (auto& gap : loaded.gaps) {
    note_damage({gap.begin, gap.end, segment.log->path() + ": " + gap.reason});
  }
  if (!dirty_since_ns && checkpoint_is_dirty()) dirty_since_ns = clock.steady_ns();
}

Status Log::State::load(Segment& segment) {
  PENSTOCK_TRY(open_log_file(segment));
  if (!segment.resident) {
    PENSTOCK_TRY_ASSIGN(LoadedIndex loaded, load_index(index_source(segment)));
    adopt(segment, std::move(loaded));
  }
  touch(segment);
  return {};
}

std::vector<Run> Log::State::runs_of(const Segment& segment) const {
  std::vector<Run> runs;
  if (segment.resident) runs = *segment.resident;
  runs.insert(runs.end(), segment.tail.begin(), segment.tail.end());
  if (!segment.open.empty()) runs.push_back(segment.open);
  return runs;
}

// --- damage

void Log::State::note_damage(RecoveryReport::Damage found) {
  found.begin = std::max(found.begin, log_start);
  if (found.begin >= found.end) return;
  for (const auto& known : damage) {
    if (known.begin <= found.begin && found.end <= known.end) return;
  }
  if (damage.size() >= kMaxDamageRanges) return;
  // What is appended next must not share a run, and its checksum, with what is damaged.
  if (!segments.empty() && !segments.back().sealed &&
      found.end > segments.back().base + segments.back().open.base_delta) {
    segments.back().close_run();
  }
  damage.push_back(std::move(found));
}

const RecoveryReport::Damage* Log::State::damage_at(Offset offset) const {
  for (const auto& range : damage) {
    if (range.begin <= offset && offset < range.end) return &range;
  }
  return nullptr;
}

void Log::State::take_findings() {
  if (!findings->any()) return;
  Findings::Batch batch = findings->take();
  const std::uint64_t now = cuts->load();
  for (auto& found : batch.indexes) {
    const auto segment = std::ranges::find(segments, found.base, &Segment::base);
    if (found.cuts != now || segment == segments.end() || segment->resident ||
        segment->index_version != found.index_version) {
      continue;
    }
    if (!found.loaded.rebuilt && !covers(found.loaded.runs, segment->first_beyond_file().position,
                                         segment->first_beyond_file().base_delta)) {
      continue;  // a checkpoint moved the end of the side file meanwhile
    }
    if (found.loaded.rebuilt && !open_log_file(*segment)) continue;
    adopt(*segment, std::move(found.loaded));
    touch(*segment);
  }
  for (auto& found : batch.damage) {
    if (found.cuts == now) note_damage(std::move(found.damage));
  }
}

const std::vector<RecoveryReport::Damage>& Log::damage() const {
  state_->take_findings();
  return state_->damage;
}

// --- reading by offset

Offset Log::State::limit_of(ReadUpTo limit) const {
  return limit == ReadUpTo::kDurable ? durable.end() : end;
}

Result<ReadPlan> Log::State::plan_read(Offset offset, std::uint64_t max_bytes, Offset limit,
                                       Wait wait) {
  take_findings();
  const Offset stop = std::min(limit, end);
  ReadPlan plan;
  plan.offset = offset;
  plan.limit = stop;
  plan.max_bytes = std::min(max_bytes, kMaxReadBytes);
  plan.findings = findings;
  plan.cuts_now = cuts;
  plan.cuts = cuts->load();
  if (offset < log_start || offset > stop) {
    return fail(Errc::kOffsetOutOfRange, "offset " + std::to_string(offset.value()) +
                                             " is not in [" + std::to_string(log_start.value()) +
                                             ", " + std::to_string(stop.value()) + "]");
  }
  if (offset == stop) return plan;
  const auto corrupt = [&](const RecoveryReport::Damage& range) {
    return fail(Errc::kCorrupt, "offsets " + std::to_string(range.begin.value()) + " to " +
                                    std::to_string(range.end.value() - 1) + " in " + range.reason);
  };
  if (const auto* range = damage_at(offset)) return corrupt(*range);
  const auto segment = segment_of(offset);
  if (segment == segments.end() || offset >= segment->end()) {
    return corrupt({offset, offset + 1, dir + ": no segment holds it"});
  }
  PENSTOCK_TRY(open_log_file(*segment));
  touch(*segment);
  plan.file = segment->log;
  plan.segment_base = segment->base;
  const auto delta = static_cast<std::uint32_t>(offset - segment->base);
  const std::span<const Run> open(&segment->open, segment->open.empty() ? 0 : 1);
  const bool in_memory = segment->resident || segment->first_beyond_file().base_delta <= delta;
  if (in_memory) {
    if (segment->resident) select_runs(*segment->resident, delta, plan.max_bytes, plan.runs);
    select_runs(segment->tail, delta, plan.max_bytes, plan.runs);
    select_runs(open, delta, plan.max_bytes, plan.runs);
    return plan;
  }
  if (wait == Wait::kNever) return fail(Errc::kWouldBlock);
  plan.load = index_source(*segment);
  plan.index_version = segment->index_version;
  plan.behind_file = segment->tail;
  plan.behind_file.insert(plan.behind_file.end(), open.begin(), open.end());
  return plan;
}

Result<ReadResult> Log::read(Offset offset, std::uint64_t max_bytes, ReadUpTo limit,
                             bool cached_only) {
  return read(offset, max_bytes, state_->limit_of(limit), cached_only);
}

Result<ReadResult> Log::read(Offset offset, std::uint64_t max_bytes, Offset limit,
                             bool cached_only) {
  const Wait wait = cached_only ? Wait::kNever : Wait::kAllowed;
  PENSTOCK_TRY_ASSIGN(const ReadPlan plan, state_->plan_read(offset, max_bytes, limit, wait));
  return execute(plan, wait);
}

Result<Log::FileRead> Log::prepare_read(Offset offset, std::uint64_t max_bytes, ReadUpTo limit) {
  return prepare_read(offset, max_bytes, state_->limit_of(limit));
}

Result<Log::FileRead> Log::prepare_read(Offset offset, std::uint64_t max_bytes, Offset limit) {
  PENSTOCK_TRY_ASSIGN(ReadPlan plan, state_->plan_read(offset, max_bytes, limit, Wait::kAllowed));
  FileRead read;
  read.work_ = [plan = std::move(plan)] { return execute(plan, Wait::kAllowed); };
  return read;
}

Result<ReadResult> Log::FileRead::run() const { return work_(); }

// --- reading by timestamp

namespace {

// The records of `run` that consumers may see, in order, until `visit` returns false.
template <typename Visit>
Status visit_records(const File& file, Offset segment_base, const Run& run, Offset begin,
                     Offset end, Visit visit) {
  PENSTOCK_TRY_ASSIGN(const SharedBytes bytes, read_run(file, segment_base, run));
  for (ByteView rest = bytes.view(); !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    rest = rest.subspan(batch.size());
    if (batch.is_control() || batch.end_offset() <= begin) continue;
    if (batch.base_offset() >= end) break;
    if (!visit.wants(batch)) continue;
    PENSTOCK_TRY_ASSIGN(auto records, record::Records::open(batch));
    while (true) {
      PENSTOCK_TRY_ASSIGN(const auto record, records.next());
      if (!record) break;
      if (record->offset < begin || record->offset >= end) continue;
      if (!visit.record({record->timestamp, record->offset})) return {};
    }
  }
  return {};
}

struct FirstAtOrAfter {
  Timestamp at;
  std::optional<TimestampOffset>& found;
  bool wants(const record::BatchView& batch) const { return batch.max_timestamp() >= at; }
  bool record(TimestampOffset record) {
    if (record.timestamp < at) return true;
    found = record;
    return false;
  }
};

// The first record with the largest timestamp; runs are visited back to front.
struct Largest {
  std::optional<TimestampOffset>& found;
  std::optional<TimestampOffset> in_run;
  bool wants(const record::BatchView& batch) const {
    return !found || batch.max_timestamp() >= found->timestamp;
  }
  bool record(TimestampOffset record) {
    if (!in_run || record.timestamp > in_run->timestamp) in_run = record;
    if (!found || in_run->timestamp >= found->timestamp) found = in_run;
    return true;
  }
};

}  // namespace

Result<std::optional<TimestampOffset>> Log::find_timestamp(Timestamp at, Offset limit,
                                                           Offset from) {
  State& s = *state_;
  s.take_findings();
  const Offset begin = std::max(s.log_start, from);
  const Offset stop = std::min(limit, s.durable.end());
  std::optional<TimestampOffset> found;
  for (Segment& segment : s.segments) {
    if (segment.open.max_timestamp_ms < at.ms() || segment.base >= stop) continue;
    PENSTOCK_TRY(s.load(segment));
    for (const Run& run : s.runs_of(segment)) {
      // Cumulative: nothing up to the end of this run is late enough.
      if (run.max_timestamp_ms < at.ms()) continue;
      if (segment.base + run.end_delta <= begin) continue;
      if (segment.base + run.base_delta >= stop) break;
      PENSTOCK_TRY(
          visit_records(*segment.log, segment.base, run, begin, stop, FirstAtOrAfter{at, found}));
      if (found) return found;
    }
  }
  return found;
}

Result<std::optional<TimestampOffset>> Log::max_timestamp(Offset limit, Offset from) {
  State& s = *state_;
  s.take_findings();
  const Offset begin = std::max(s.log_start, from);
  const Offset stop = std::min(limit, s.durable.end());
  std::optional<TimestampOffset> largest;
  for (Segment& segment : s.segments) {
    if (segment.end() <= begin || segment.base >= stop || segment.size() == 0) continue;
    if (largest && segment.open.max_timestamp_ms <= largest->timestamp.ms()) continue;
    PENSTOCK_TRY(s.load(segment));
    const std::vector<Run> runs = s.runs_of(segment);
    // A run that does not raise the maximum does not hold its first record, unless a part of the
    // segment does not count.
    const bool whole = segment.base >= begin && segment.end() <= stop;
    std::optional<TimestampOffset> found;
    for (std::size_t i = runs.size(); i-- > 0;) {
      const std::int64_t before = i == 0 ? -1 : runs[i - 1].max_timestamp_ms;
      if (segment.base + runs[i].end_delta <= begin) break;
      if (segment.base + runs[i].base_delta >= stop) continue;
      if (!whole || runs[i].max_timestamp_ms > before) {
        PENSTOCK_TRY(
            visit_records(*segment.log, segment.base, runs[i], begin, stop, Largest{found, {}}));
      }
      if (found && found->timestamp.ms() > before) break;
    }
    if (found && (!largest || found->timestamp > largest->timestamp)) largest = found;
  }
  return largest;
}

// --- digests and sizes

namespace {

// Of the segment's beginning, up to a batch boundary inside it.
Result<std::uint64_t> digest_up_to(const Segment& segment, std::span<const Run> runs,
                                   Offset until) {
  std::uint64_t sum = 0;
  for (const Run& run : runs) {
    if (segment.base + run.base_delta >= until) break;
    if (segment.base + run.end_delta <= until) {
      sum = run.digest;
      continue;
    }
    PENSTOCK_TRY_ASSIGN(const SharedBytes bytes, read_run(*segment.log, segment.base, run));
    for (ByteView rest = bytes.view(); !rest.empty();) {
      PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
      if (batch.base_offset() >= until) break;
      if (batch.end_offset() > until) {
        return fail(Errc::kInvalidArgument,
                    "offset " + std::to_string(until.value()) + " is inside a batch");
      }
      sum += header_hash(batch);
      rest = rest.subspan(batch.size());
    }
  }
  return sum;
}

}  // namespace

Result<std::uint64_t> Log::State::digest_in(Offset begin, Offset until) {
  std::uint64_t sum = 0;
  for (Segment& segment : segments) {
    if (segment.base >= until) break;
    if (segment.end() <= begin) continue;
    if (begin <= segment.base && segment.end() <= until) {
      sum += segment.open.digest;
      continue;
    }
    PENSTOCK_TRY(load(segment));
    const std::vector<Run> runs = runs_of(segment);
    PENSTOCK_TRY_ASSIGN(const std::uint64_t before, digest_up_to(segment, runs, begin));
    PENSTOCK_TRY_ASSIGN(const std::uint64_t after, digest_up_to(segment, runs, until));
    sum += after - before;
  }
  return sum;
}

Result<std::uint64_t> Log::digest(Offset until) {
  State& s = *state_;
  s.take_findings();
  if (until > s.end || until < s.log_start) return fail(Errc::kOffsetOutOfRange);
  PENSTOCK_TRY_ASSIGN(const std::uint64_t sum, s.digest_in(Offset(0), until));
  if (!s.damage.empty()) return fail(Errc::kCorrupt, s.dir + ": " + s.damage.front().reason);
  return sum;
}

Result<std::uint64_t> Log::digest(Offset begin, Offset until) {
  State& s = *state_;
  s.take_findings();
  if (until > s.end || begin < s.log_start || begin > until) return fail(Errc::kOffsetOutOfRange);
  PENSTOCK_TRY_ASSIGN(const std::uint64_t sum, s.digest_in(begin, until));
  for (const auto& range : s.damage) {  // loading an index may have found some
    if (range.begin < until && begin < range.end) return fail(Errc::kCorrupt, range.reason);
  }
  return sum;
}

std::vector<Log::SegmentInfo> Log::segments() const {
  std::vector<SegmentInfo> infos;
  for (const Segment& segment : state_->segments) {
    infos.push_back({segment.base, segment.end(), segment.size(),
                     Timestamp(segment.open.max_timestamp_ms), segment.created, !segment.sealed});
  }
  return infos;
}

std::uint64_t bytes_between(const std::vector<Log::SegmentInfo>& segments, Offset begin,
                            Offset end) {
  double bytes = 0;
  for (const Log::SegmentInfo& segment : segments) {
    const Offset from = std::max(segment.base, begin);
    const Offset to = std::min(segment.end, end);
    if (from >= to) continue;
    bytes += static_cast<double>(segment.bytes) * static_cast<double>(to - from) /
             static_cast<double>(segment.end - segment.base);
  }
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace penstock::storage
