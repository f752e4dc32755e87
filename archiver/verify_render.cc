// render(): a verification report for people, and its figures line.
#include <fmt/format.h>

#include "archiver/text_table.h"
#include "archiver/verify.h"

namespace penstock::archiver {
namespace {

// Enough of a hash sum to compare by eye.
constexpr std::size_t kShownHashDigits = 12;

std::string_view name(RangeState state) {
  switch (state) {
    case RangeState::kEqual:
      return "equal";
    case RangeState::kDifferent:
      return "DIFFERENT";
    case RangeState::kArchiveOnly:
      return "archive only";
    case RangeState::kLost:
      return "LOST";
  }
  return "?";
}

std::string_view name(FindingKind kind) {
  switch (kind) {
    case FindingKind::kLost:
      return "lost: in the log, not in the archive";
    case FindingKind::kDuplicated:
      return "duplicated: more than once in the archive";
    case FindingKind::kAltered:
      return "altered: the archive holds something else";
    case FindingKind::kUnexpected:
      return "unexpected: in the archive, not in the log";
  }
  return "?";
}

std::string offsets(Offset base, Offset end) {
  return fmt::format("[{},{})", base.value(), end.value());
}

std::string records_of(const RangeFigures& figures) { return std::to_string(figures.records); }

std::string hash_of(const RangeFigures& figures) {
  return figures.hash_sum.to_string().substr(0, kShownHashDigits);
}

std::string table_of(const VerifyReport& report) {
  TextTable table({{"partition", Align::kRight},
                   {"offsets", Align::kLeft},
                   {"log", Align::kRight},
                   {"archive", Align::kRight},
                   {"manifest", Align::kRight},
                   {"log hash", Align::kLeft},
                   {"archive hash", Align::kLeft},
                   {"state", Align::kLeft}});
  for (const RangeReport& range : report.ranges) {
    const std::string partition = std::to_string(range.partition.value());
    const std::string where = offsets(range.base, range.end);
    if (range.state == RangeState::kLost) {
      table.add({partition, where, "-", "-", "-", "-", "-",
                 "LOST: removed from the log before it was archived"});
      continue;
    }
    std::string state(name(range.state));
    if (range.log && range.compared_from > range.base) {
      state += fmt::format(" from {} on (log start)", range.compared_from.value());
    }
    if (!range.problem.empty()) state += ": " + range.problem;
    // What stands beside the log is what was compared with it.
    const RangeFigures& archive = range.log ? range.archive : range.archive_whole_range;
    table.add({partition, where, range.log ? records_of(*range.log) : "-", records_of(archive),
               records_of(range.manifest), range.log ? hash_of(*range.log) : "-", hash_of(archive),
               state});
  }
  return table.render();
}

}  // namespace

std::int64_t VerifyReport::not_archived_offsets() const {
  std::int64_t sum = 0;
  for (const PartitionReport& partition : partitions) sum += partition.not_archived_offsets;
  return sum;
}

std::int64_t VerifyReport::lost_offsets() const {
  std::int64_t sum = 0;
  for (const RangeReport& range : ranges) {
    if (range.state == RangeState::kLost) sum += range.end - range.base;
  }
  return sum;
}

std::uint64_t VerifyReport::archive_only_records() const {
  std::uint64_t sum = 0;
  for (const RangeReport& range : ranges) {
    sum += range.archive_whole_range.records - range.archive.records;
  }
  return sum;
}

std::string render(const VerifyReport& report) {
  std::string out = table_of(report);
  for (const PartitionReport& partition : report.partitions) {
    if (partition.not_archived_offsets == 0) continue;
    out += fmt::format(
        "partition {}: {} not archived yet\n", partition.partition.value(),
        offsets(std::max(partition.archived_end, partition.log_start), partition.high_watermark));
  }
  for (const Finding& finding : report.findings) {
    out += fmt::format("partition {} offset {}: {}\n", finding.partition.value(),
                       finding.offset.value(), name(finding.kind));
  }
  const std::uint64_t found = report.lost_records + report.duplicated_records +
                              report.altered_records + report.unexpected_records;
  if (found > report.findings.size()) {
    out += fmt::format("... and {} more\n", found - report.findings.size());
  }
  out += fmt::format(
      "VERIFY topic={} partitions={} records={} ranges={} archive_only={} not_archived={} "
      "lost_offsets={} lost={} duplicated={} altered={} unexpected={} differences={}\n",
      report.topic, report.partitions.size(), report.compared_records(), report.ranges.size(),
      report.archive_only_records(), report.not_archived_offsets(), report.lost_offsets(),
      report.lost_records, report.duplicated_records, report.altered_records,
      report.unexpected_records, report.differences());
  return out;
}

}  // namespace penstock::archiver
