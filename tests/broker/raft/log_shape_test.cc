// Terms, points, cuts and trims of a log.
#include "broker/raft/log_shape.h"

#include <gtest/gtest.h>

#include "one_group.h"

namespace penstock::raft {
namespace {

LogShape shape(const LogPoint& start, const Terms& terms) {
  const EntryRange range = range_of(static_cast<int>(start.end.value()), terms);
  return {start, range.runs, range.end, voters({1, 2, 3}), {}};
}

TEST(LogShape, PointsCarryTheTermOfTheRecordBefore) {
  const LogShape log = shape(point(1, 10), {{1, 5}, {3, 5}});  // [10, 15) t1, [15, 20) t3
  const std::pair<int, int> cases[] = {{10, 1}, {11, 1}, {15, 1}, {16, 3}, {20, 3}};
  for (const auto& [end, term] : cases) EXPECT_EQ(log.point_at(Offset(end)), point(term, end));
  EXPECT_EQ(log.term_at(Offset(14)), Term(1));
  EXPECT_EQ(log.term_at(Offset(15)), Term(3));
  EXPECT_EQ(log.last(), point(3, 20));
}

TEST(LogShape, EndOfTermSkipsWholeTerms) {
  const LogShape log = shape(point(2, 10), {{2, 5}, {4, 5}, {7, 1}});
  const std::pair<int, LogPoint> cases[] = {{1, point(2, 10)},  // none: the start
                                            {2, point(2, 15)}, {3, point(2, 15)},
                                            {4, point(4, 20)}, {6, point(4, 20)},
                                            {7, point(7, 21)}, {9, point(7, 21)}};
  for (const auto& [term, end] : cases) EXPECT_EQ(log.end_of_term(Term(term)), end) << term;
}

TEST(LogShape, AConflictLiesWhereTheTermsFirstDiffer) {
  const LogShape log = shape(point(0, 10), {{1, 10}, {2, 10}});  // [10, 20) t1, [20, 30) t2
  struct Case {
    int begin;
    Terms theirs;
    int conflict;  // -1: none
  };
  const Case cases[] = {
      {10, {{1, 10}, {2, 10}}, -1},
      {10, {{1, 10}, {2, 20}}, -1},
      {10, {{1, 10}, {3, 5}}, 20},
      {10, {{1, 5}, {3, 5}}, 15},
      {15, {{1, 10}}, 20},
      {20, {{3, 1}}, 20},
      {25, {{2, 5}, {3, 5}}, -1},
      {30, {{3, 5}}, -1},
      {0, {{1, 20}, {2, 10}}, -1},
      {0, {{1, 20}, {3, 10}}, 20},
      {0, {{9, 5}}, -1},
      {12, {{2, 3}}, 12},
  };
  for (const Case& one : cases) {
    const auto found = log.first_difference(range_of(one.begin, one.theirs));
    EXPECT_EQ(found ? found->value() : -1, one.conflict)
        << to_string(range_of(one.begin, one.theirs));
  }
}

TEST(LogShape, ATruncationTakesTermsMembershipsAndDurabilityAlong) {
  LogShape log = shape(point(0, 0), {{1, 5}});
  EntryRange more = range_of(5, {{2, 5}});
  more.memberships.push_back({Offset(7), voters({1, 2})});
  log.append(more);
  log.set_durable(Offset(9));
  EXPECT_EQ(log.membership(), voters({1, 2}));
  EXPECT_EQ(log.membership_end(), Offset(8));
  const auto version = log.version();
  log.truncate(Offset(7));
  EXPECT_NE(log.version(), version);
  EXPECT_EQ(log.durable_end(), Offset(7));
  EXPECT_EQ(log.membership(), voters({1, 2, 3}));
  log.truncate(Offset(5));
  EXPECT_EQ(log.last(), point(1, 5));
}

TEST(LogShape, ATrimKeepsTheTermAndTheMembershipOfWhatWasBefore) {
  LogShape log = shape(point(0, 0), {{1, 5}});
  EntryRange more = range_of(5, {{2, 5}});
  more.memberships.push_back({Offset(5), voters({1, 2})});
  log.append(more);
  log.trim(Offset(5));
  EXPECT_EQ(log.start(), point(1, 5));
  EXPECT_EQ(log.membership_at(Offset(5)), voters({1, 2, 3}));
  log.trim(Offset(8));
  EXPECT_EQ(log.start(), point(2, 8));
  EXPECT_EQ(log.membership_at(Offset(8)), voters({1, 2}));
  EXPECT_EQ(log.runs_of(Offset(8), Offset(10)), (std::vector<TermRun>{{Term(2), Offset(8)}}));
}

TEST(LogShape, TheTailOfARangeKeepsItsTerms) {
  EntryRange range = range_of(10, {{1, 5}, {2, 5}});
  range.memberships = {{Offset(11), voters({1})}, {Offset(16), voters({2})}};
  const EntryRange tail = tail_of(range, Offset(13));
  EXPECT_EQ(to_string(tail), "[13, 20) t1@13,t2@15 members@16(voters=2)");
  EXPECT_TRUE(tail_of(range, Offset(20)).empty());
}

}  // namespace
}  // namespace penstock::raft
