// Nonsense from the network or the disk is told from sense.
#include "broker/raft/validity.h"

#include <gtest/gtest.h>

#include <limits>

#include "broker/raft/limits.h"
#include "one_group.h"

namespace penstock::raft {
namespace {

TEST(Validity, RangesMustBeWhole) {
  struct Case {
    const char* why;
    EntryRange range;
    bool sensible;
  };
  const auto range = [](int begin, int end, std::vector<TermRun> runs) {
    return EntryRange{Offset(begin), Offset(end), std::move(runs), {}, 0};
  };
  const Case cases[] = {
      {"empty", range(5, 5, {}), true},
      {"one run", range(5, 9, {{Term(1), Offset(5)}}), true},
      {"negative", range(-5, 9, {{Term(1), Offset(-5)}}), false},
      {"backwards", range(9, 5, {{Term(1), Offset(9)}}), false},
      {"no runs", range(5, 9, {}), false},
      {"runs begin late", range(5, 9, {{Term(1), Offset(6)}}), false},
      {"terms fall", range(5, 9, {{Term(2), Offset(5)}, {Term(1), Offset(7)}}), false},
      {"a run behind the end", range(5, 9, {{Term(1), Offset(5)}, {Term(2), Offset(9)}}), false},
      {"no term", range(5, 9, {{Term(-1), Offset(5)}}), false},
  };
  for (const Case& one : cases) EXPECT_EQ(is_sensible(one.range), one.sensible) << one.why;
}

TEST(Validity, MembershipsAreSortedDisjointAndBounded) {
  EXPECT_TRUE(is_sensible(Membership{nodes({1, 2}), nodes({2, 3}), nodes({3})}));
  EXPECT_FALSE(is_sensible(voters({2, 1})));
  EXPECT_FALSE(is_sensible(voters({1, 1})));
  EXPECT_FALSE(is_sensible(voters({-1, 1})));
  EXPECT_FALSE(is_sensible(Membership{nodes({1}), {}, nodes({1})}));
  Membership crowd = voters({1, 2, 3});
  for (int i = 4; crowd.everyone().size() < kMaxMembers; ++i) crowd.learners.emplace_back(i);
  EXPECT_TRUE(is_sensible(crowd));
  crowd.outgoing = nodes({1});  // counted once more
  EXPECT_FALSE(is_sensible(crowd));
}

TEST(Validity, AGroupWhoseDiskContradictsItselfTakesNoPart) {
  Restored restored{.hard_state = {},
                    .start = point(0, 10),
                    .runs = {},
                    .end = Offset(5),
                    .base_membership = voters({1}),
                    .memberships = {},
                    .committed = {},
                    .damaged_until = {}};
  Group group(NodeId(1), {}, restored, 1, 0);
  EXPECT_TRUE(group.is_faulty());
  EXPECT_EQ(*group.take_output().fault, "restored state: the log ends before it begins");
  EXPECT_EQ(group.next_deadline_ms(), std::numeric_limits<std::int64_t>::max());
}

TEST(Validity, TheLastTermIsNotPassed) {
  OneGroup node({.members = voters({1}), .term = std::numeric_limits<std::int32_t>::max()});
  node.wait(10);
  EXPECT_TRUE(node.group.is_faulty());
}

}  // namespace
}  // namespace penstock::raft
