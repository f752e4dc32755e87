#include "storage/recovery_full_scan.h"

#include <algorithm>
#include <utility>

#include "storage/limits.h"
#include "storage/reader.h"
#include "storage/scan.h"

namespace penstock::storage {
namespace {

struct Proven {
  std::vector<Run> runs;
  bool file_is_short = false;
};

// The runs of the side file, checked against the log. What a side file holds was flushed before it
// was written: bytes that contradict it are damage.
Result<Proven> proven_runs(RecoverySite& site, const Segment& segment, std::uint64_t bytes) {
  Proven proven;
  const auto file =
      site.env.read_file(site.path(segment.base, SegmentFile::kIndex), kMaxIndexBytes);
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
    for (auto& range : damage) site.add_damage(std::move(range));
  }
  proven.runs = std::move(contents.runs);
  return proven;
}

Status cut_torn_tail(RecoverySite& site, Segment& segment, const RebuiltRuns& rebuilt) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes_end, end_of_bytes(*segment.log, segment.size()));
  // rebuild_runs() stepped over whatever something valid follows: nothing does here.
  const TailEvidence evidence{.bytes_follow = bytes_end > segment.size(),
                              .below_known_durable = site.out.end_uncertain,
                              .valid_batch_follows = false,
                              .watermark_known = false,
                              .last_segment = true};
  switch (judge_tail(evidence)) {
    case TailVerdict::kEnd:
      return segment.log->sync_data();
    case TailVerdict::kDamaged:
      return {};
    case TailVerdict::kTorn:
      site.note("cut bytes that are no batch: " + rebuilt.stopped);
      site.out.report.truncated_bytes += bytes_end - segment.size();
      return site.cut_log(segment);
  }
  return {};
}

Result<Segment> scan_whole(RecoverySite& site, Offset base, std::optional<Offset> next_base) {
  Segment segment;
  segment.base = base;
  PENSTOCK_TRY_ASSIGN(segment.log,
                      site.env.open(site.path(base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes, segment.log->size());
  PENSTOCK_TRY_ASSIGN(const auto header, site.read_index_header(base));
  segment.created = header ? header->created : site.now;
  segment.allocated = bytes;
  PENSTOCK_TRY_ASSIGN(Proven proven, proven_runs(site, segment, bytes));
  Run start;
  if (!proven.runs.empty()) start = next_run(proven.runs.back());
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes_end, end_of_bytes(*segment.log, 0));
  PENSTOCK_TRY_ASSIGN(
      RebuiltRuns rebuilt,
      rebuild_runs(*segment.log, start,
                   RebuildOptions{.segment_base = base,
                                  .run_bytes = site.run_bytes,
                                  .now = site.now,
                                  .limit = std::max<std::uint64_t>(bytes, start.position),
                                  .zeros_from = bytes_end,
                                  .known_end = next_base}));
  site.out.report.scanned_bytes += bytes;
  ++site.out.report.rebuilt_indexes;
  segment.open = rebuilt.open;
  segment.sealed = next_base.has_value();
  if (segment.sealed) {
    segment.seal();
    rebuilt.runs.insert(rebuilt.runs.end(), segment.tail.begin(), segment.tail.end());
    segment.tail.clear();
    PENSTOCK_TRY(segment.log->sync_data());
  } else {
    site.out.end_uncertain = proven.file_is_short;
    PENSTOCK_TRY(cut_torn_tail(site, segment, rebuilt));
  }
  for (auto& gap : rebuilt.gaps) {
    site.add_damage({gap.begin, gap.end, segment.log->path() + ": " + gap.reason});
  }
  proven.runs.insert(proven.runs.end(), rebuilt.runs.begin(), rebuilt.runs.end());
  segment.replace_runs(std::move(proven.runs), kind_of(rebuilt.gaps));
  if (!segment.sealed) PENSTOCK_TRY(site.cut_index(segment));
  return segment;
}

}  // namespace

Status scan_everything(RecoverySite& site) {
  for (std::size_t i = 0; i < site.plan.complete.size(); ++i) {
    const Offset base = site.plan.complete[i];
    if (!site.out.segments.empty()) {
      Segment& previous = site.out.segments.back();
      if (base < previous.end()) {
        site.note_shadowed(base);
        continue;
      }
      if (previous.end() < base)
        site.add_damage({previous.end(), base, "a segment file is missing"});
      if (!previous.sealed) previous.seal();
    }
    std::optional<Offset> next;
    if (i + 1 < site.plan.complete.size()) next = site.plan.complete[i + 1];
    PENSTOCK_TRY_ASSIGN(Segment segment, scan_whole(site, base, next));
    site.out.segments.push_back(std::move(segment));
  }
  for (const FoundSegment& segment : site.found) {
    if (segment.has_log) continue;
    site.add_damage({segment.base, segment.base,
                     segment_file_name(segment.base, SegmentFile::kLog) + ": the file is missing"});
    site.out.end_uncertain |=
        site.out.segments.empty() || segment.base >= site.out.segments.back().end();
  }
  if (site.out.segments.empty()) return {};
  PENSTOCK_TRY(site.env.sync_dir(site.dir));
  site.out.durable = site.out.segments.back().point();
  site.out.end = site.out.durable.end();
  return {};
}

}  // namespace penstock::storage
