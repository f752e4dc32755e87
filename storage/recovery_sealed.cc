#include "storage/recovery_sealed.h"

#include <utility>

namespace penstock::storage {
namespace {

// The seal is the file's last entry.
Result<std::optional<Run>> read_seal(RecoverySite& site, Offset base) {
  PENSTOCK_TRY_ASSIGN(const auto file,
                      site.env.open(site.path(base, SegmentFile::kIndex), OpenMode::kRead));
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

Status rebuild(RecoverySite& site, Segment& segment, std::uint64_t limit, Offset known_end) {
  PENSTOCK_TRY_ASSIGN(RebuiltRuns rebuilt, rebuild_runs(*segment.log, Run{},
                                                        RebuildOptions{.segment_base = segment.base,
                                                                       .run_bytes = site.run_bytes,
                                                                       .now = site.now,
                                                                       .limit = limit,
                                                                       .known_end = known_end}));
  ++site.out.report.rebuilt_indexes;
  site.out.report.scanned_bytes += limit;
  for (auto& gap : rebuilt.gaps) {
    site.add_damage({gap.begin, gap.end, segment.log->path() + ": " + gap.reason});
  }
  segment.open = rebuilt.open;
  segment.seal();
  std::vector<Run> runs = std::move(rebuilt.runs);
  runs.insert(runs.end(), segment.tail.begin(), segment.tail.end());
  segment.tail.clear();
  segment.replace_runs(std::move(runs), kind_of(rebuilt.gaps));
  return {};
}

Result<Segment> open_complete(RecoverySite& site, Offset base, Offset next_base) {
  Segment segment;
  segment.base = base;
  segment.sealed = true;
  PENSTOCK_TRY_ASSIGN(segment.log,
                      site.env.open(site.path(base, SegmentFile::kLog), OpenMode::kReadWrite));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes, segment.log->size());
  PENSTOCK_TRY_ASSIGN(const auto header, site.read_index_header(base));
  segment.created = header ? header->created : site.now;
  std::optional<Run> seal;
  if (header) {
    PENSTOCK_TRY_ASSIGN(seal, read_seal(site, base));
  }
  if (!seal) {
    PENSTOCK_TRY(rebuild(site, segment, bytes, next_base));
    return segment;
  }
  segment.open = *seal;
  PENSTOCK_TRY_ASSIGN(const auto index,
                      site.env.open(site.path(base, SegmentFile::kIndex), OpenMode::kRead));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t index_bytes, index->size());
  segment.file_entries =
      static_cast<std::uint32_t>((index_bytes - kIndexHeaderBytes) / kIndexEntryBytes - 1);
  if (bytes < segment.size()) PENSTOCK_TRY(report_shortened(site, segment, bytes));
  segment.log.reset();  // opened again when it is read
  return segment;
}

}  // namespace

Status open_sealed_segments(RecoverySite& site) {
  const LogPoint& point = site.out.newest->checkpoint.point;
  std::vector<Offset> expired = site.plan.expired;
  Offset end = site.plan.complete.empty() ? point.segment_base : site.plan.complete.front();
  for (std::size_t i = 0; i < site.plan.complete.size(); ++i) {
    const Offset base = site.plan.complete[i];
    if (base < end) {
      site.note_shadowed(base);
      continue;
    }
    if (end < base) site.add_damage({end, base, "a segment file is missing"});
    const Offset next =
        i + 1 < site.plan.complete.size() ? site.plan.complete[i + 1] : point.segment_base;
    PENSTOCK_TRY_ASSIGN(Segment segment, open_complete(site, base, next));
    end = segment.end();
    if (end <= site.out.log_start) {
      expired.push_back(base);  // left over from a removal
    } else {
      site.out.segments.push_back(std::move(segment));
    }
  }
  if (end < point.segment_base) {
    site.add_damage({end, point.segment_base, "a segment file is missing"});
  }
  return site.remove(expired, nullptr);
}

Status report_shortened(RecoverySite& site, Segment& segment, std::uint64_t bytes) {
  const Run& wanted = segment.first_beyond_file();
  PENSTOCK_TRY_ASSIGN(LoadedIndex loaded, load_index(site.index_source(segment, wanted)));
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
    ++site.out.report.rebuilt_indexes;
    for (auto& gap : loaded.gaps) site.add_damage({gap.begin, gap.end, reason});
    segment.replace_runs(std::move(loaded.runs), Runs::kWithGaps);
    lost_from = wanted.base_delta;
  }
  if (segment.base + lost_from < segment.end()) {
    site.add_damage({segment.base + lost_from, segment.end(), reason});
  }
  return {};
}

}  // namespace penstock::storage
