// TrioTest: stories of three replicas of one log; when one ends, nothing that was committed is
// wrong anywhere.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/broker/host/cluster.h"
#include "tests/storage/expect.h"

namespace penstock::broker {

class TrioTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_THAT(trio.violations(), testing::IsEmpty()); }

  Member& other_than(const Member& one) { return trio.node(one.id.value() == 1 ? 2 : 1); }
  Member& third(const Member& a, const Member& b) {
    return trio.node(6 - a.id.value() - b.id.value());
  }
  // Files of the log, in the order of their records.
  static std::vector<std::string> segments(Member& member) {
    std::vector<std::string> all;
    for (const std::string& path : member.env->files(kReplicaDir)) {
      if (path.ends_with(".log")) all.push_back(path);
    }
    return all;
  }
  void expect_agreement() {
    EXPECT_TRUE(trio.run_until([&] { return trio.differences().empty(); })) << trio.differences();
  }

  // --- memberships
  Status change(const std::vector<raft::NodeId>& voters,
                const std::vector<raft::NodeId>& learners) {
    Member& leader = trio.elect();
    const Status status = leader->change_membership(voters, learners);
    trio.drain(leader);
    return status;
  }
  bool is_in_effect(const std::vector<raft::NodeId>& voters) {
    Member* const leader = trio.leader();
    return leader != nullptr && (*leader)->group().membership_is_committed() &&
           (*leader)->group().membership().voters == voters &&
           !(*leader)->group().membership().is_joint();
  }
  // Node 4 joins as a learner and becomes a voter.
  void add_fourth(bool knows_nobody = false) {
    Member& fourth = trio.add(raft::NodeId(4));
    fourth.knows_nobody = knows_nobody;
    ASSERT_OK(trio.start(fourth));
    ASSERT_OK(change(nodes({1, 2, 3}), nodes({4})));
    make_fourth_a_voter();
  }
  void make_fourth_a_voter() {
    Member& fourth = trio.node(4);
    ASSERT_TRUE(trio.run_until([&] { return fourth->durable_end() == trio.committed_end(); }));
    trio.run(200);
    ASSERT_OK(change(nodes({1, 2, 3, 4}), {}));
    ASSERT_TRUE(trio.run_until([&] { return is_in_effect(nodes({1, 2, 3, 4})); }));
    trio.run(300);
  }

  Cluster trio{nodes({1, 2, 3})};
};

}  // namespace penstock::broker
