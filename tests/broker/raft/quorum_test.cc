// Majorities, counted.
#include "broker/raft/quorum.h"

#include <gtest/gtest.h>

#include "one_group.h"

namespace penstock::raft {
namespace {

TEST(Quorum, MajorityIsMoreThanHalf) {
  const std::pair<std::size_t, std::size_t> cases[] = {{1, 1}, {2, 2}, {3, 2}, {4, 3},
                                                       {5, 3}, {6, 4}, {7, 4}};
  for (const auto& [size, majority] : cases) EXPECT_EQ(majority_of(size), majority) << size;
}

TEST(Quorum, DecidedOffsetIsWhatAMajorityHasReached) {
  struct Case {
    std::vector<int> voters, outgoing;
    std::vector<int> reached;  // by node 1, 2, ...
    int decided;
  };
  const Case cases[] = {
      {{1}, {}, {9}, 9},
      {{1, 2}, {}, {9, 4}, 4},
      {{1, 2, 3}, {}, {5, 9, 7}, 7},
      {{1, 2, 3}, {}, {9, 0, 0}, 0},
      {{1, 2, 3, 4}, {}, {9, 9, 3, 1}, 3},
      {{1, 2, 3, 4, 5}, {}, {5, 4, 3, 2, 1}, 3},
      {{1, 2}, {}, {3, 4, 99}, 3},                    // node 3 is a learner
      {{4, 5, 6}, {1, 2, 3}, {9, 9, 9, 2, 2, 2}, 2},  // joint: the worse half decides
      {{4, 5, 6}, {1, 2, 3}, {1, 1, 1, 7, 7, 7}, 1},
      {{1, 2, 3}, {1}, {5, 9, 9}, 5},
      {{}, {}, {}, 0},
  };
  for (const Case& one : cases) {
    Membership membership;
    for (int id : one.voters) membership.voters.emplace_back(id);
    for (int id : one.outgoing) membership.outgoing.emplace_back(id);
    EXPECT_EQ(
        decided_offset(membership,
                       [&](NodeId node) {
                         return Offset(one.reached[static_cast<std::size_t>(node.value()) - 1]);
                       }),
        Offset(one.decided))
        << to_string(membership);
  }
}

TEST(Quorum, AMembershipOfTheLargestSizeIsCounted) {
  Membership all;
  for (std::size_t i = 0; i < kMaxMembers; ++i) all.voters.emplace_back(static_cast<int>(i));
  const Offset decided = decided_offset(all, [](NodeId node) { return Offset(node.value()); });
  EXPECT_EQ(decided, Offset(kMaxMembers - majority_of(kMaxMembers)));
}

TEST(Quorum, AJointMembershipNeedsBothHalves) {
  const Membership joint{nodes({3, 4, 5}), nodes({1, 2, 3}), nodes({6})};
  const auto decided_by = [&](std::vector<NodeId> yes) {
    return decides(joint, [&](NodeId node) { return std::ranges::count(yes, node) > 0; });
  };
  EXPECT_TRUE(decided_by(nodes({2, 3, 4})));
  EXPECT_FALSE(decided_by(nodes({3, 4, 5})));
  EXPECT_FALSE(decided_by(nodes({1, 2, 3})));
  EXPECT_FALSE(decided_by(nodes({4, 5, 6})));
  EXPECT_TRUE(decided_by(nodes({1, 2, 4, 5})));
}

TEST(Quorum, NobodyDecidesNothing) {
  EXPECT_FALSE(decides(Membership{}, [](NodeId) { return true; }));
}

}  // namespace
}  // namespace penstock::raft
