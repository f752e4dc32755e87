// render_json(): a verification report for programs.
#include <boost/json.hpp>

#include "archiver/verify.h"

namespace penstock::archiver {
namespace {

namespace json = boost::json;

std::string_view name(RangeState state) {
  switch (state) {
    case RangeState::kEqual:
      return "equal";
    case RangeState::kDifferent:
      return "different";
    case RangeState::kArchiveOnly:
      return "archive_only";
    case RangeState::kLost:
      return "lost";
  }
  return "unknown";
}

std::string_view name(FindingKind kind) {
  switch (kind) {
    case FindingKind::kLost:
      return "lost";
    case FindingKind::kDuplicated:
      return "duplicated";
    case FindingKind::kAltered:
      return "altered";
    case FindingKind::kUnexpected:
      return "unexpected";
  }
  return "unknown";
}

json::object to_json(const RangeFigures& figures) {
  return {{"records", figures.records}, {"hash_sum", figures.hash_sum.to_string()}};
}

json::object to_json(const PartitionReport& partition) {
  return {{"partition", partition.partition.value()},
          {"log_start", partition.log_start.value()},
          {"high_watermark", partition.high_watermark.value()},
          {"archive_start", partition.archive_start.value()},
          {"archived_end", partition.archived_end.value()},
          {"not_archived", partition.not_archived_offsets}};
}

// A lost range has no figures: it is in neither copy.
json::object to_json(const RangeReport& range) {
  json::object out{{"partition", range.partition.value()},
                   {"base", range.base.value()},
                   {"end", range.end.value()},
                   {"state", name(range.state)}};
  if (range.state == RangeState::kLost) return out;
  if (!range.object.empty()) out["object"] = range.object;
  if (range.log) {
    out["compared_from"] = range.compared_from.value();
    out["log"] = to_json(*range.log);
    out["archive"] = to_json(range.archive);
  }
  out["archive_whole_range"] = to_json(range.archive_whole_range);
  out["manifest"] = to_json(range.manifest);
  if (!range.problem.empty()) out["problem"] = range.problem;
  return out;
}

json::object to_json(const Finding& finding) {
  return {{"partition", finding.partition.value()},
          {"offset", finding.offset.value()},
          {"kind", name(finding.kind)}};
}

template <typename T>
json::array to_json(const std::vector<T>& rows) {
  json::array out;
  for (const T& row : rows) out.push_back(to_json(row));
  return out;
}

}  // namespace

std::string render_json(const VerifyReport& report) {
  const json::object out{{"topic", report.topic},
                         {"differences", report.differences()},
                         {"records", report.compared_records()},
                         {"lost", report.lost_records},
                         {"duplicated", report.duplicated_records},
                         {"altered", report.altered_records},
                         {"unexpected", report.unexpected_records},
                         {"other_differences", report.other_differences},
                         {"archive_only", report.archive_only_records()},
                         {"not_archived", report.not_archived_offsets()},
                         {"lost_offsets", report.lost_offsets()},
                         {"partitions", to_json(report.partitions)},
                         {"ranges", to_json(report.ranges)},
                         {"findings", to_json(report.findings)}};
  return json::serialize(out) + "\n";
}

}  // namespace penstock::archiver
