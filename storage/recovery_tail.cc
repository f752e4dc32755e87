#include "storage/recovery_tail.h"

#include <utility>

#include "protocol/record/sparse_batch.h"
#include "storage/limits.h"
#include "storage/reader.h"
#include "storage/recovery_sealed.h"
#include "storage/scan.h"

namespace penstock::storage {
namespace {

Result<Segment> begin_beyond(RecoverySite& site, Offset base, Term epoch) {
  Segment segment;
  segment.base = base;
  segment.open.last_epoch = epoch.value();
  segment.header_due = true;
  segment.resident.emplace();
  PENSTOCK_TRY_ASSIGN(const auto header, site.read_index_header(base));
  segment.created = header ? header->created : site.now;
  PENSTOCK_TRY_ASSIGN(segment.log,
                      site.env.open(site.path(base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(segment.allocated, segment.log->size());
  PENSTOCK_TRY(site.cut_index(segment));
  return segment;
}

Result<ScanStop> scan_segment(RecoverySite& site, Segment& segment) {
  const std::uint64_t from = segment.size();
  Status rewritten;
  const auto add = [&](const record::BatchView& batch) {
    // These bytes were read from the page cache. If an fsync failed in an earlier life, their pages
    // may count as clean without being on disk, and no later fsync would write them: hence they are
    // written once more before they are called durable.
    if (rewritten) rewritten = segment.log->write_at(segment.size(), batch.bytes());
    segment.add(batch, site.now, site.run_bytes);
    if (record::is_sparse(batch)) site.out.sparse_end = batch.end_offset();
  };
  PENSTOCK_TRY_ASSIGN(const ScanStop stop,
                      scan_batches(*segment.log,
                                   ScanFrom{from, segment.end(), Term(segment.open.last_epoch),
                                            segment.base + kMaxSegmentOffsets},
                                   kMaxSegmentBytes + kMaxAppendBytes, add));
  PENSTOCK_TRY(rewritten);
  site.out.report.scanned_bytes += stop.position - from;
  return stop;
}

// The folder is synced in any case: a creation or removal of an earlier life may be visible without
// being on disk, and a segment that comes back later would be taken for the continuation.
Status end_in(RecoverySite& site, Segment segment, const ScanStop& stop,
              std::vector<Offset> leftover) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes_end, end_of_bytes(*segment.log, stop.position));
  const TailEvidence evidence{.bytes_follow = bytes_end > stop.position};
  if (judge_tail(evidence) == TailVerdict::kTorn) {
    site.out.report.truncated_bytes += bytes_end - stop.position;
    PENSTOCK_TRY(site.cut_log(segment));
  } else {
    PENSTOCK_TRY(segment.log->sync_data());
  }
  PENSTOCK_TRY(site.remove(leftover, &site.out.report.truncated_bytes));
  PENSTOCK_TRY(site.env.sync_dir(site.dir));
  site.out.end = segment.end();
  site.out.durable = segment.point();
  site.out.segments.push_back(std::move(segment));
  return {};
}

// From the end of `segment` on: takes what is valid, through the segments beyond it; the rest was
// never acknowledged.
Status scan_tail(RecoverySite& site, Segment segment) {
  std::vector<Offset> beyond = site.plan.beyond;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const ScanStop stop, scan_segment(site, segment));
    while (!beyond.empty() && beyond.front() < stop.end) {
      site.note_shadowed(beyond.front());
      beyond.erase(beyond.begin());
    }
    const bool goes_on = !beyond.empty() && beyond.front() == stop.end;
    if (!goes_on) return end_in(site, std::move(segment), stop, std::move(beyond));
    PENSTOCK_TRY(site.cut_log(segment));
    segment.seal();
    const Term epoch(segment.open.last_epoch);
    site.out.segments.push_back(std::move(segment));
    PENSTOCK_TRY_ASSIGN(segment, begin_beyond(site, beyond.front(), epoch));
    beyond.erase(beyond.begin());
  }
}

// Everything before the open run is made anew, now: the next checkpoint appends to the file.
Status begin_index_anew(RecoverySite& site, Segment& segment) {
  if (segment.open.position == 0) {
    segment.header_due = true;
    segment.file_entries = 0;
    return {};
  }
  PENSTOCK_TRY_ASSIGN(LoadedIndex loaded, load_index(site.index_source(segment, segment.open)));
  ++site.out.report.rebuilt_indexes;
  for (auto& gap : loaded.gaps) {
    site.add_damage({gap.begin, gap.end, segment.log->path() + ": " + gap.reason});
  }
  segment.replace_runs(std::move(loaded.runs), kind_of(loaded.gaps));
  return {};
}

// The segment that the watermark stands in, up to the watermark.
Result<Segment> open_active(RecoverySite& site) {
  const Checkpoint& checkpoint = site.out.newest->checkpoint;
  const LogPoint& point = checkpoint.point;
  Segment segment;
  segment.base = point.segment_base;
  segment.created = point.segment_created;
  segment.open = point.open;
  segment.file_entries = checkpoint.index_entries;
  PENSTOCK_TRY_ASSIGN(
      segment.log, site.env.open(site.path(segment.base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes, segment.log->size());
  segment.allocated = bytes;
  PENSTOCK_TRY_ASSIGN(const auto header, site.read_index_header(segment.base));
  if (site.plan.active_is_short) {
    PENSTOCK_TRY(report_shortened(site, segment, bytes));
    return segment;
  }
  if (!header) PENSTOCK_TRY(begin_index_anew(site, segment));
  if (segment.open.position == 0 && !segment.resident) segment.resident.emplace();
  if (!site.plan.skip_tail_scan) PENSTOCK_TRY(site.cut_index(segment));
  if (!site.plan.skip_tail_scan && !segment.open.empty()) {
    PENSTOCK_TRY_ASSIGN(auto damage, damage_in_run(*segment.log, segment.base, segment.open));
    site.out.report.scanned_bytes += segment.open.length;
    // What is appended next must not share a run, and its checksum, with what is damaged.
    if (!damage.empty()) segment.close_run();
    for (auto& range : damage) site.add_damage(std::move(range));
  }
  return segment;
}

}  // namespace

Status recover_tail(RecoverySite& site) {
  const LogPoint point = site.out.newest->checkpoint.point;
  site.out.durable = point;
  site.out.end = point.end();
  PENSTOCK_TRY(site.remove(site.plan.orphans, nullptr));
  if (site.plan.cut_tail) {
    PENSTOCK_TRY(site.remove(site.plan.beyond, &site.out.report.truncated_bytes));
    site.plan.beyond.clear();
  }
  if (site.plan.active_found) {
    PENSTOCK_TRY_ASSIGN(Segment active, open_active(site));
    if (!site.plan.active_is_short) {
      if (!site.plan.cut_tail && !site.plan.skip_tail_scan) {
        return scan_tail(site, std::move(active));
      }
      if (site.plan.cut_tail) {
        PENSTOCK_TRY(site.cut_log(active));
        PENSTOCK_TRY(site.env.sync_dir(site.dir));
      }
      site.out.segments.push_back(std::move(active));
      return {};
    }
    active.sealed = !site.plan.beyond.empty();
    site.out.segments.push_back(std::move(active));
  }
  // What the watermark vouches for is not all there.
  const bool nothing_lost = !site.plan.active_found && site.plan.missing.empty();
  site.out.end_uncertain = !nothing_lost;
  if (site.plan.beyond.empty()) return {};
  const Offset next = site.plan.beyond.front();
  site.plan.beyond.erase(site.plan.beyond.begin());
  if (point.end() < next)
    site.add_damage({point.end(), next, "a segment file is damaged or missing"});
  PENSTOCK_TRY_ASSIGN(Segment segment, begin_beyond(site, next, point.epoch()));
  return scan_tail(site, std::move(segment));
}

}  // namespace penstock::storage
