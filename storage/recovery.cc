#include "storage/recovery.h"

#include <algorithm>
#include <array>
#include <map>

#include "storage/index_loader.h"
#include "storage/limits.h"
#include "storage/reader.h"
#include "storage/recovery_plan.h"
#include "storage/scan.h"
#include "storage/segment_name.h"
#include "storage/side_files.h"

namespace penstock::storage {
namespace {

Runs patched_by(const RebuiltRuns& rebuilt) {
  return rebuilt.gaps.empty() ? Runs::kWhole : Runs::kWithGaps;
}

class Recovery {
 public:
  Recovery(Env& env, const Clock& clock, const std::string& dir, const LogIdentity& identity,
           std::uint64_t run_bytes)
      : env_(env), now_(clock.wall()), dir_(dir), identity_(identity), run_bytes_(run_bytes) {}

  Result<Recovered> run() {
    PENSTOCK_TRY(survey());
    PENSTOCK_TRY(read_checkpoint());
    std::optional<Checkpoint> checkpoint;
    if (out_.newest) checkpoint = out_.newest->checkpoint;
    plan_ = plan_recovery(checkpoint, found_);
    out_.log_start = plan_.log_start;
    for (auto& range : plan_.missing) add_damage(std::move(range));
    const bool acts_on_checkpoint = !plan_.skip_tail_scan || begins_below_start();
    if (checkpoint && acts_on_checkpoint) PENSTOCK_TRY(confirm_checkpoint());
    switch (plan_.kind) {
      case RecoveryKind::kFresh:
        break;
      case RecoveryKind::kFullScan:
        PENSTOCK_TRY(scan_everything());
        break;
      case RecoveryKind::kFromCheckpoint:
        PENSTOCK_TRY(open_complete_segments());
        PENSTOCK_TRY(go_on_from(checkpoint->point, checkpoint->index_entries));
        out_.report.clean_shutdown = plan_.skip_tail_scan;
        break;
    }
    forget_damage_below_start();
    return std::move(out_);
  }

 private:
  // --- what is there
  Status survey();
  Status read_checkpoint();
  std::string path(Offset base, SegmentFile kind) const {
    return dir_ + "/" + segment_file_name(base, kind);
  }
  // The header of a segment's side file; none when there is none to believe. kForeignData.
  Result<std::optional<IndexHeader>> read_index_header(Offset base);
  Status confirm_checkpoint();
  Status check_owner(const LogIdentity& owner, const std::string& path) const;

  // --- below the watermark
  bool begins_below_start() const;
  Status open_complete_segments();
  Result<Segment> open_complete(Offset base, Offset next_base);
  Result<std::optional<Run>> read_seal(Offset base);
  Status report_shortened(Segment& segment, std::uint64_t bytes);
  Status rebuild(Segment& segment, std::uint64_t limit, Offset known_end);

  // --- at and beyond it
  Status go_on_from(const LogPoint& point, std::uint32_t index_entries);
  Result<Segment> open_active(const LogPoint& point, std::uint32_t index_entries);
  Result<Segment> begin_beyond(Offset base, Term epoch);
  Status scan_tail(Segment segment);
  Result<ScanStop> scan_segment(Segment& segment);
  Status end_in(Segment segment, const ScanStop& stop, std::vector<Offset> leftover);
  Status cut_to(Segment& segment);
  Status cut_index(const Segment& segment);

  // --- without one
  Status scan_everything();
  Result<Segment> scan_whole(Offset base, std::optional<Offset> next_base);
  struct Proven {
    std::vector<Run> runs;
    bool file_is_short = false;
  };
  Result<Proven> proven_runs(const Segment& segment, std::uint64_t bytes);
  Status cut_torn_tail(Segment& segment, const RebuiltRuns& rebuilt);

  Status remove(const std::vector<Offset>& bases, std::uint64_t* bytes);
  void add_damage(RecoveryReport::Damage damage) {
    out_.report.damage.push_back(std::move(damage));
  }
  void note(std::string text) { out_.report.notes.push_back(std::move(text)); }
  void forget_damage_below_start();

  Env& env_;
  const Timestamp now_;
  const std::string& dir_;
  const LogIdentity& identity_;
  const std::uint64_t run_bytes_;
  std::vector<FoundSegment> found_;
  RecoveryPlan plan_;
  Recovered out_;
};

Status Recovery::survey() {
  PENSTOCK_TRY_ASSIGN(const auto entries, env_.list(dir_));
  std::map<Offset, FoundSegment> segments;
  for (const FileInfo& entry : entries) {
    const auto name = parse_segment_name(entry.name);
    if (!name || entry.is_dir) {
      if (entry.name != kCheckpointName) note("ignored unknown file " + entry.name);
      continue;
    }
    FoundSegment& segment = segments[name->base];
    segment.base = name->base;
    if (name->kind == SegmentFile::kIndex) {
      segment.has_index = true;
      continue;
    }
    segment.has_log = true;
    PENSTOCK_TRY_ASSIGN(const auto file, env_.open(dir_ + "/" + entry.name, OpenMode::kRead));
    PENSTOCK_TRY_ASSIGN(segment.log_bytes, file->size());
  }
  for (const auto& [base, segment] : segments) found_.push_back(segment);
  return {};
}

Status Recovery::read_checkpoint() {
  const std::string path = dir_ + "/" + std::string(kCheckpointName);
  const auto file = env_.read_file(path, kCheckpointFileBytes);
  if (!file) {
    const Errc code = file.error().code();
    if (code != Errc::kNotFound && code != Errc::kCorrupt) return fail(file.error());
    if (!found_.empty()) note("the checkpoint is missing: all segments were scanned");
    return {};
  }
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    const std::size_t at = slot * kSlotStride;
    if (at < file->size() && is_other_version(ByteView(*file).subspan(at))) {
      return fail(Errc::kForeignData, path + ": written by another version of Penstock");
    }
  }
  out_.newest = newest_slot(*file);
  if (out_.newest) return check_owner(out_.newest->checkpoint.identity, path);
  if (!found_.empty()) note("the checkpoint is unreadable: all segments were scanned");
  return {};
}

Status Recovery::check_owner(const LogIdentity& owner, const std::string& path) const {
  if (owner.partition == identity_.partition) return {};
  return fail(Errc::kForeignData, path + " belongs to partition " +
                                      std::to_string(owner.partition.partition.value()) +
                                      " of topic " + owner.partition.topic.to_string());
}

Result<std::optional<IndexHeader>> Recovery::read_index_header(Offset base) {
  const std::string file_path = path(base, SegmentFile::kIndex);
  const auto file = env_.open(file_path, OpenMode::kRead);
  if (!file) {
    if (file.error().code() == Errc::kNotFound) return std::nullopt;
    return fail(file.error());
  }
  IndexHeaderBytes bytes{};
  PENSTOCK_TRY_ASSIGN(const std::size_t got, (*file)->read_at(0, bytes));
  const auto header = decode_index_header(ByteView(bytes).first(got));
  if (!header) return std::nullopt;
  PENSTOCK_TRY(check_owner(header->identity, file_path));
  if (header->segment_base != base) return std::nullopt;
  return header;
}

// What was read may be a page that an fsync failed to write: it must not be believed now and be
// gone after a power cut, when files were removed and readers were answered on its word.
Status Recovery::confirm_checkpoint() {
  SideFiles side_files(env_, dir_);
  side_files.resume(out_.newest->checkpoint.sequence, out_.newest->slot);
  const auto stored = side_files.store(side_files.generation(), {}, out_.newest->checkpoint, 0);
  if (!stored) return fail(stored.error());
  ++out_.newest->checkpoint.sequence;
  out_.newest->slot = (out_.newest->slot + 1) % kSlotCount;
  return {};
}

// --- below the watermark

bool Recovery::begins_below_start() const {
  return !plan_.complete.empty() && plan_.complete.front() < plan_.log_start;
}

Status Recovery::open_complete_segments() {
  const LogPoint& point = out_.newest->checkpoint.point;
  std::vector<Offset> expired;
  Offset end = plan_.complete.empty() ? point.segment_base : plan_.complete.front();
  for (std::size_t i = 0; i < plan_.complete.size(); ++i) {
    const Offset base = plan_.complete[i];
    if (base < end) {
      note("ignored segment " + segment_file_name(base, SegmentFile::kLog) +
           ": an earlier segment holds its offsets");
      continue;
    }
    if (end < base) add_damage({end, base, "a segment file is missing"});
    const Offset next = i + 1 < plan_.complete.size() ? plan_.complete[i + 1] : point.segment_base;
    PENSTOCK_TRY_ASSIGN(Segment segment, open_complete(base, next));
    end = segment.end();
    if (end <= out_.log_start) {
      expired.push_back(base);  // left over from a removal
    } else {
      out_.segments.push_back(std::move(segment));
    }
  }
  if (end < point.segment_base) {
    add_damage({end, point.segment_base, "a segment file is missing"});
  }
  return remove(expired, nullptr);
}

Result<Segment> Recovery::open_complete(Offset base, Offset next_base) {
  Segment segment;
  segment.base = base;
  segment.sealed = true;
  PENSTOCK_TRY_ASSIGN(segment.log, env_.open(path(base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes, segment.log->size());
  PENSTOCK_TRY_ASSIGN(const auto header, read_index_header(base));
  segment.created = header ? header->created : now_;
  std::optional<Run> seal;
  if (header) {
    PENSTOCK_TRY_ASSIGN(seal, read_seal(base));
  }
  if (!seal) {
    PENSTOCK_TRY(rebuild(segment, bytes, next_base));
    return segment;
  }
  segment.open = *seal;
  PENSTOCK_TRY_ASSIGN(const auto index,
                      env_.open(path(base, SegmentFile::kIndex), OpenMode::kRead));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t index_bytes, index->size());
  segment.file_entries =
      static_cast<std::uint32_t>((index_bytes - kIndexHeaderBytes) / kIndexEntryBytes - 1);
  if (bytes < segment.size()) PENSTOCK_TRY(report_shortened(segment, bytes));
  segment.log.reset();  // opened again when it is read
  return segment;
}

// The seal is the file's last entry.
Result<std::optional<Run>> Recovery::read_seal(Offset base) {
  PENSTOCK_TRY_ASSIGN(const auto file, env_.open(path(base, SegmentFile::kIndex), OpenMode::kRead));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t size, file->size());
  if (size < entry_position(1) || (size - kIndexHeaderBytes) % kIndexEntryBytes != 0) {
    return std::nullopt;
  }
  IndexHeaderBytes header{};
  IndexEntryBytes last{};
  PENSTOCK_TRY_ASSIGN(const std::size_t got, file->read_at(0, header));
  PENSTOCK_TRY_ASSIGN(const std::size_t got_last, file->read_at(size - kIndexEntryBytes, last));
  if (got != header.size() || got_last != last.size()) return std::nullopt;
  const auto entry = decode_entry(last, header);
  if (!entry || entry->kind != EntryKind::kSeal) return std::nullopt;
  return entry->run;
}

// The ranges of a segment whose file ends before its seal (or before the watermark).
Status Recovery::report_shortened(Segment& segment, std::uint64_t bytes) {
  const Run& wanted = segment.first_beyond_file();
  const IndexSource source{.env = &env_,
                           .path = path(segment.base, SegmentFile::kIndex),
                           .log = segment.log,
                           .identity = identity_,
                           .base = segment.base,
                           .end_position = wanted.position,
                           .end_delta = wanted.base_delta,
                           .run_bytes = run_bytes_,
                           .now = now_};
  PENSTOCK_TRY_ASSIGN(LoadedIndex loaded, load_index(source));
  std::uint32_t lost_from = wanted.base_delta;
  for (const Run& run : loaded.runs) {
    if (run.end_position() > bytes) {
      lost_from = run.base_delta;
      break;
    }
  }
  const std::string reason =
      segment.log->path() + ": the file was shortened to " + std::to_string(bytes) + " bytes";
  if (loaded.rebuilt) {
    ++out_.report.rebuilt_indexes;
    for (auto& gap : loaded.gaps) add_damage({gap.begin, gap.end, reason});
    segment.replace_runs(std::move(loaded.runs), Runs::kWithGaps);
    lost_from = wanted.base_delta;
  }
  if (segment.base + lost_from < segment.end()) {
    add_damage({segment.base + lost_from, segment.end(), reason});
  }
  return {};
}

Status Recovery::rebuild(Segment& segment, std::uint64_t limit, Offset known_end) {
  PENSTOCK_TRY_ASSIGN(RebuiltRuns rebuilt, rebuild_runs(*segment.log, Run{},
                                                        RebuildOptions{.segment_base = segment.base,
                                                                       .run_bytes = run_bytes_,
                                                                       .now = now_,
                                                                       .limit = limit,
                                                                       .known_end = known_end}));
  ++out_.report.rebuilt_indexes;
  out_.report.scanned_bytes += limit;
  for (auto& gap : rebuilt.gaps) {
    add_damage({gap.begin, gap.end, segment.log->path() + ": " + gap.reason});
  }
  segment.open = rebuilt.open;
  segment.seal();
  std::vector<Run> runs = std::move(rebuilt.runs);
  runs.insert(runs.end(), segment.tail.begin(), segment.tail.end());
  segment.tail.clear();
  segment.replace_runs(std::move(runs), patched_by(rebuilt));
  return {};
}

// --- at and beyond the watermark

Status Recovery::go_on_from(const LogPoint& point, std::uint32_t index_entries) {
  out_.durable = point;
  out_.end = point.end();
  PENSTOCK_TRY(remove(plan_.orphans, nullptr));
  if (plan_.cut_tail) {
    PENSTOCK_TRY(remove(plan_.beyond, &out_.report.truncated_bytes));
    plan_.beyond.clear();
  }
  if (plan_.active_found) {
    PENSTOCK_TRY_ASSIGN(Segment active, open_active(point, index_entries));
    if (plan_.cut_tail && !plan_.active_is_short) {
      PENSTOCK_TRY(cut_to(active));
      PENSTOCK_TRY(env_.sync_dir(dir_));
      out_.segments.push_back(std::move(active));
      return {};
    }
    if (!plan_.active_is_short) {
      if (!plan_.skip_tail_scan) return scan_tail(std::move(active));
      out_.segments.push_back(std::move(active));
      return {};
    }
    active.sealed = !plan_.beyond.empty();
    out_.segments.push_back(std::move(active));
  }
  // What the watermark vouches for is not all there.
  const bool nothing_lost = !plan_.active_found && plan_.missing.empty();
  out_.end_uncertain = !nothing_lost;
  if (plan_.beyond.empty()) return {};
  const Offset next = plan_.beyond.front();
  plan_.beyond.erase(plan_.beyond.begin());
  if (point.end() < next) add_damage({point.end(), next, "a segment file is damaged or missing"});
  PENSTOCK_TRY_ASSIGN(Segment segment, begin_beyond(next, point.epoch()));
  return scan_tail(std::move(segment));
}

Result<Segment> Recovery::open_active(const LogPoint& point, std::uint32_t index_entries) {
  Segment segment;
  segment.base = point.segment_base;
  segment.created = point.segment_created;
  segment.open = point.open;
  segment.file_entries = index_entries;
  PENSTOCK_TRY_ASSIGN(segment.log,
                      env_.open(path(segment.base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes, segment.log->size());
  segment.allocated = bytes;
  PENSTOCK_TRY_ASSIGN(const auto header, read_index_header(segment.base));
  if (plan_.active_is_short) {
    PENSTOCK_TRY(report_shortened(segment, bytes));
    return segment;
  }
  if (!header && segment.open.position == 0) {
    segment.header_due = true;
    segment.file_entries = 0;
  } else if (!header) {
    // Everything before the open run is made anew, now: the next checkpoint appends to the file.
    PENSTOCK_TRY_ASSIGN(LoadedIndex loaded,
                        load_index(IndexSource{.env = &env_,
                                               .path = path(segment.base, SegmentFile::kIndex),
                                               .log = segment.log,
                                               .identity = identity_,
                                               .base = segment.base,
                                               .end_position = segment.open.position,
                                               .end_delta = segment.open.base_delta,
                                               .run_bytes = run_bytes_,
                                               .now = now_}));
    ++out_.report.rebuilt_indexes;
    for (auto& gap : loaded.gaps) {
      add_damage({gap.begin, gap.end, segment.log->path() + ": " + gap.reason});
    }
    segment.replace_runs(std::move(loaded.runs),
                         loaded.gaps.empty() ? Runs::kWhole : Runs::kWithGaps);
  }
  if (segment.open.position == 0 && !segment.resident) segment.resident.emplace();
  if (!plan_.skip_tail_scan) PENSTOCK_TRY(cut_index(segment));
  if (!plan_.skip_tail_scan && !segment.open.empty()) {
    PENSTOCK_TRY_ASSIGN(auto damage, damage_in_run(*segment.log, segment.base, segment.open));
    out_.report.scanned_bytes += segment.open.length;
    // What is appended next must not share a run, and its checksum, with what is damaged.
    if (!damage.empty()) segment.close_run();
    for (auto& range : damage) add_damage(std::move(range));
  }
  return segment;
}

Result<Segment> Recovery::begin_beyond(Offset base, Term epoch) {
  Segment segment;
  segment.base = base;
  segment.open.last_epoch = epoch.value();
  segment.header_due = true;
  segment.resident.emplace();
  PENSTOCK_TRY_ASSIGN(const auto header, read_index_header(base));
  segment.created = header ? header->created : now_;
  PENSTOCK_TRY_ASSIGN(segment.log, env_.open(path(base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(segment.allocated, segment.log->size());
  PENSTOCK_TRY(cut_index(segment));
  return segment;
}

Result<ScanStop> Recovery::scan_segment(Segment& segment) {
  const std::uint64_t from = segment.size();
  Status rewritten;
  const auto add = [&](const record::BatchView& batch) {
    // These bytes were read from the page cache. If an fsync failed in an earlier life, their pages
    // may count as clean without being on disk, and no later fsync would write them: hence they are
    // written once more before they are called durable.
    if (rewritten) rewritten = segment.log->write_at(segment.size(), batch.bytes());
    extend(segment.open, segment.base, batch, now_);
    if (segment.open.length >= run_bytes_) segment.close_run();
  };
  PENSTOCK_TRY_ASSIGN(
      const ScanStop stop,
      scan_batches(*segment.log, ScanFrom{from, segment.end(), Term(segment.open.last_epoch)},
                   kMaxSegmentBytes + kMaxAppendBytes, add));
  PENSTOCK_TRY(rewritten);
  out_.report.scanned_bytes += stop.position - from;
  return stop;
}

// From the end of `segment` on: takes what is valid, through the segments beyond it; the rest was
// never acknowledged.
Status Recovery::scan_tail(Segment segment) {
  std::vector<Offset> beyond = plan_.beyond;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const ScanStop stop, scan_segment(segment));
    while (!beyond.empty() && beyond.front() < stop.end) {
      note("ignored segment " + segment_file_name(beyond.front(), SegmentFile::kLog) +
           ": an earlier segment holds its offsets");
      beyond.erase(beyond.begin());
    }
    const bool goes_on = !beyond.empty() && beyond.front() == stop.end;
    if (!goes_on) return end_in(std::move(segment), stop, std::move(beyond));
    PENSTOCK_TRY(cut_to(segment));
    segment.seal();
    const Term epoch(segment.open.last_epoch);
    out_.segments.push_back(std::move(segment));
    PENSTOCK_TRY_ASSIGN(segment, begin_beyond(beyond.front(), epoch));
    beyond.erase(beyond.begin());
  }
}

// The folder is synced in any case: a creation or removal of an earlier life may be visible without
// being on disk, and a segment that comes back later would be taken for the continuation.
Status Recovery::end_in(Segment segment, const ScanStop& stop, std::vector<Offset> leftover) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes_end, end_of_bytes(*segment.log, stop.position));
  const TailEvidence evidence{.bytes_follow = bytes_end > stop.position};
  if (judge_tail(evidence) == TailVerdict::kTorn) {
    out_.report.truncated_bytes += bytes_end - stop.position;
    PENSTOCK_TRY(cut_to(segment));
  } else {
    PENSTOCK_TRY(segment.log->sync_data());
  }
  PENSTOCK_TRY(remove(leftover, &out_.report.truncated_bytes));
  PENSTOCK_TRY(env_.sync_dir(dir_));
  out_.end = segment.end();
  out_.durable = segment.point();
  out_.segments.push_back(std::move(segment));
  return {};
}

Status Recovery::cut_to(Segment& segment) {
  PENSTOCK_TRY(segment.log->truncate(segment.size()));
  segment.allocated = segment.size();
  return segment.log->sync_data();
}

// A side file never speaks of batches that are no more, and an open segment has no seal: what a
// checkpoint wrote before the crash and did not come to vouch for goes.
Status Recovery::cut_index(const Segment& segment) {
  const auto file = env_.open(path(segment.base, SegmentFile::kIndex), OpenMode::kReadWrite);
  if (!file) return file.error().code() == Errc::kNotFound ? Status() : fail(file.error());
  PENSTOCK_TRY_ASSIGN(const std::uint64_t size, (*file)->size());
  const std::uint64_t wanted =
      segment.header_due || segment.index_is_patched ? 0 : entry_position(segment.file_entries);
  if (size <= wanted) return {};
  PENSTOCK_TRY((*file)->truncate(wanted));
  return (*file)->sync_data();
}

// --- without a watermark

Status Recovery::scan_everything() {
  for (std::size_t i = 0; i < plan_.complete.size(); ++i) {
    const Offset base = plan_.complete[i];
    if (!out_.segments.empty()) {
      Segment& previous = out_.segments.back();
      if (base < previous.end()) {
        note("ignored segment " + segment_file_name(base, SegmentFile::kLog) +
             ": an earlier segment holds its offsets");
        continue;
      }
      if (previous.end() < base) add_damage({previous.end(), base, "a segment file is missing"});
      if (!previous.sealed) previous.seal();
    }
    std::optional<Offset> next;
    if (i + 1 < plan_.complete.size()) next = plan_.complete[i + 1];
    PENSTOCK_TRY_ASSIGN(Segment segment, scan_whole(base, next));
    out_.segments.push_back(std::move(segment));
  }
  for (const FoundSegment& segment : found_) {
    if (segment.has_log) continue;
    add_damage({segment.base, segment.base,
                segment_file_name(segment.base, SegmentFile::kLog) + ": the file is missing"});
    out_.end_uncertain |= out_.segments.empty() || segment.base >= out_.segments.back().end();
  }
  if (out_.segments.empty()) return {};
  PENSTOCK_TRY(env_.sync_dir(dir_));
  out_.durable = out_.segments.back().point();
  out_.end = out_.durable.end();
  return {};
}

// The runs of the side file, checked against the log. What a side file holds was flushed before it
// was written: bytes that contradict it are damage.
Result<Recovery::Proven> Recovery::proven_runs(const Segment& segment, std::uint64_t bytes) {
  Proven proven;
  const auto file = env_.read_file(path(segment.base, SegmentFile::kIndex), kMaxIndexBytes);
  if (!file) {
    if (file.error().code() == Errc::kIoError) return fail(file.error());
    return proven;
  }
  IndexContents contents = decode_index(*file);
  if (!contents.header || contents.header->segment_base != segment.base || contents.runs.empty()) {
    return proven;
  }
  const Run& last = contents.runs.back();
  if (!covers(contents.runs, last.end_position(), last.end_delta)) return proven;
  proven.file_is_short = last.end_position() > bytes;
  for (const Run& run : contents.runs) {
    PENSTOCK_TRY_ASSIGN(auto damage, damage_in_run(*segment.log, segment.base, run));
    for (auto& range : damage) add_damage(std::move(range));
  }
  proven.runs = std::move(contents.runs);
  return proven;
}

Result<Segment> Recovery::scan_whole(Offset base, std::optional<Offset> next_base) {
  Segment segment;
  segment.base = base;
  PENSTOCK_TRY_ASSIGN(segment.log, env_.open(path(base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes, segment.log->size());
  PENSTOCK_TRY_ASSIGN(const auto header, read_index_header(base));
  segment.created = header ? header->created : now_;
  segment.allocated = bytes;
  PENSTOCK_TRY_ASSIGN(Proven proven, proven_runs(segment, bytes));
  Run start;
  if (!proven.runs.empty()) start = next_run(proven.runs.back());
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes_end, end_of_bytes(*segment.log, 0));
  PENSTOCK_TRY_ASSIGN(
      RebuiltRuns rebuilt,
      rebuild_runs(*segment.log, start,
                   RebuildOptions{.segment_base = base,
                                  .run_bytes = run_bytes_,
                                  .now = now_,
                                  .limit = std::max<std::uint64_t>(bytes, start.position),
                                  .zeros_from = bytes_end,
                                  .known_end = next_base}));
  out_.report.scanned_bytes += bytes;
  ++out_.report.rebuilt_indexes;
  segment.open = rebuilt.open;
  segment.sealed = next_base.has_value();
  if (segment.sealed) {
    segment.seal();
    rebuilt.runs.insert(rebuilt.runs.end(), segment.tail.begin(), segment.tail.end());
    segment.tail.clear();
    PENSTOCK_TRY(segment.log->sync_data());
  } else {
    out_.end_uncertain = proven.file_is_short;
    PENSTOCK_TRY(cut_torn_tail(segment, rebuilt));
  }
  for (auto& gap : rebuilt.gaps) {
    add_damage({gap.begin, gap.end, segment.log->path() + ": " + gap.reason});
  }
  proven.runs.insert(proven.runs.end(), rebuilt.runs.begin(), rebuilt.runs.end());
  segment.replace_runs(std::move(proven.runs), patched_by(rebuilt));
  if (!segment.sealed) PENSTOCK_TRY(cut_index(segment));
  return segment;
}

Status Recovery::cut_torn_tail(Segment& segment, const RebuiltRuns& rebuilt) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes_end, end_of_bytes(*segment.log, segment.size()));
  // rebuild_runs() stepped over whatever something valid follows: nothing does here.
  const TailEvidence evidence{.bytes_follow = bytes_end > segment.size(),
                              .below_known_durable = out_.end_uncertain,
                              .valid_batch_follows = false,
                              .watermark_known = false,
                              .last_segment = true};
  switch (judge_tail(evidence)) {
    case TailVerdict::kEnd:
      return segment.log->sync_data();
    case TailVerdict::kDamaged:
      return {};
    case TailVerdict::kTorn:
      note("cut bytes that are no batch: " + rebuilt.stopped);
      out_.report.truncated_bytes += bytes_end - segment.size();
      return cut_to(segment);
  }
  return {};
}

Status Recovery::remove(const std::vector<Offset>& bases, std::uint64_t* bytes) {
  for (const Offset base : bases) {
    for (const SegmentFile kind : {SegmentFile::kLog, SegmentFile::kIndex}) {
      if (bytes != nullptr && kind == SegmentFile::kLog) {
        const auto found = std::ranges::find(found_, base, &FoundSegment::base);
        if (found != found_.end()) *bytes += found->log_bytes;
      }
      const Status removed = env_.remove_file(path(base, kind));
      if (!removed && removed.error().code() != Errc::kNotFound) return removed;
    }
  }
  if (bases.empty()) return {};
  return env_.sync_dir(dir_);
}

void Recovery::forget_damage_below_start() {
  const Offset start = out_.log_start;
  std::erase_if(out_.report.damage, [start](const RecoveryReport::Damage& range) {
    return range.begin < start && range.end <= start;
  });
  for (auto& range : out_.report.damage) range.begin = std::max(range.begin, start);
}

}  // namespace

Result<Recovered> recover(Env& env, const Clock& clock, const std::string& dir,
                          const LogIdentity& identity, std::uint64_t run_bytes) {
  return Recovery(env, clock, dir, identity, run_bytes).run();
}

}  // namespace penstock::storage
