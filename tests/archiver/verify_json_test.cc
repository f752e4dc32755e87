// What `penstock verify --json` prints; scripts rely on every name in it.
#include <gtest/gtest.h>

#include "archiver/verify.h"

namespace penstock::archiver {
namespace {

RangeFigures figures(std::uint64_t records, std::uint64_t low) {
  return {.records = records, .hash_sum = {.low = low, .high = 0}};
}

TEST(VerifyJson, AReportIsOneLineWithEveryFigure) {
  VerifyReport report;
  report.topic = "orders";
  report.partitions = {{.partition = PartitionId(0),
                        .log_start = Offset(5),
                        .high_watermark = Offset(30),
                        .archive_start = Offset(0),
                        .archived_end = Offset(20),
                        .not_archived_offsets = 10}};
  report.ranges = {{.partition = PartitionId(0),
                    .base = Offset(0),
                    .end = Offset(20),
                    .state = RangeState::kDifferent,
                    .object = "orders/0/19.parquet",
                    .compared_from = Offset(5),
                    .log = figures(15, 1),
                    .archive = figures(14, 2),
                    .archive_whole_range = figures(19, 3),
                    .manifest = figures(20, 4),
                    .problem = "the sums differ"}};
  report.findings = {{FindingKind::kLost, PartitionId(0), Offset(7)}};
  report.lost_records = 1;
  EXPECT_EQ(
      render_json(report),
      R"({"topic":"orders","differences":1,"records":15,"lost":1,"duplicated":0,"altered":0,)"
      R"("unexpected":0,"other_differences":0,"archive_only":5,"not_archived":10,"lost_offsets":0,)"
      R"("partitions":[{"partition":0,"log_start":5,"high_watermark":30,"archive_start":0,)"
      R"("archived_end":20,"not_archived":10}],)"
      R"("ranges":[{"partition":0,"base":0,"end":20,"state":"different",)"
      R"("object":"orders/0/19.parquet","compared_from":5,)"
      R"("log":{"records":15,"hash_sum":"00000000000000000000000000000001"},)"
      R"("archive":{"records":14,"hash_sum":"00000000000000000000000000000002"},)"
      R"("archive_whole_range":{"records":19,"hash_sum":"00000000000000000000000000000003"},)"
      R"("manifest":{"records":20,"hash_sum":"00000000000000000000000000000004"},)"
      R"("problem":"the sums differ"}],)"
      R"("findings":[{"partition":0,"offset":7,"kind":"lost"}]})"
      "\n");
}

TEST(VerifyJson, WhatIsInNeitherCopyHasNoFigures) {
  VerifyReport report;
  report.topic = "orders";
  RangeReport& range = report.ranges.emplace_back();
  range.partition = PartitionId(1);
  range.base = Offset(4);
  range.end = Offset(6);
  range.state = RangeState::kLost;
  EXPECT_EQ(report.lost_offsets(), 2);
  EXPECT_NE(render_json(report).find(
                R"("ranges":[{"partition":1,"base":4,"end":6,"state":"lost"}],"findings":[])"),
            std::string::npos);
}

}  // namespace
}  // namespace penstock::archiver
