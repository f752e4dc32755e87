// The log and what stands beside it change in two steps: a crash at each disk call of each of these
// changes, and a look at what the next open makes of it.
#include <gtest/gtest.h>

#include "tests/broker/host/cluster.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Survives;

constexpr const char* kSideFile = "/data/p0/replica.state";
const auto kVoters = nodes({1, 2, 3});

raft::Membership with_learner(std::int32_t id) { return {kVoters, {}, nodes({id})}; }

// What the log itself says about its members: a copy of the disk without the side file is opened.
raft::Membership told_by_the_log(const Member& member, const Clock& clock) {
  const auto copy = member.env->clone();
  copy->remove(kSideFile);
  auto opened =
      Replica::open(*copy, clock, kReplicaDir,
                    {{*Uuid::parse("000102030405060708090a0b0c0d0e0f"), PartitionId(0)}}, {},
                    {.self = member.id,
                     .first_membership = {kVoters, {}, {}},
                     .raft = {},
                     .seed = 1,
                     .state = nullptr},
                    raft::HardState{Term(1), raft::kNobody});
  EXPECT_OK(opened);
  return opened ? opened->replica->group().membership() : raft::Membership();
}

// One way in which the disk of one member changes.
class Change {
 public:
  virtual ~Change() = default;
  // Everything before; returns the member.
  virtual Member& prepare(Cluster& cluster) = 0;
  virtual void happen(Cluster& cluster, Member& member) = 0;
  // What the member may know after a crash, once its log no longer begins at 0.
  virtual bool allows(const raft::Membership& membership) const {
    return membership == raft::Membership{kVoters, {}, {}};
  }
};

void start_with_records(Cluster& cluster) {
  cluster.start_everyone();
  EXPECT_TRUE(cluster.produce(4));
  cluster.run(100);
}

Member& some_follower(Cluster& cluster) {
  return cluster.node(cluster.elect().id.value() == 1 ? 2 : 1);
}

void learn(Cluster& cluster, Member& leader, std::int32_t id) {
  EXPECT_OK(leader->change_membership(kVoters, nodes({id})));
  cluster.drain(leader);
}

// A membership that only its leader ever had is cut.
class Cut : public Change {
 public:
  Member& prepare(Cluster& cluster) override {
    start_with_records(cluster);
    Member& old = cluster.elect();
    cluster.cut_off(old.id.value());
    learn(cluster, old, 9);
    EXPECT_OK(cluster.append(old));
    cluster.settle();
    EXPECT_TRUE(cluster.produce(2));
    return old;
  }
  void happen(Cluster& cluster, Member&) override {
    cluster.heal();
    cluster.run(1'000);
  }
};

// A membership comes to a follower.
class Come : public Change {
 public:
  Member& prepare(Cluster& cluster) override {
    start_with_records(cluster);
    return some_follower(cluster);
  }
  void happen(Cluster& cluster, Member&) override {
    learn(cluster, cluster.elect(), 8);
    cluster.run(300);
  }
};

// The log start is raised above a membership, and above one that was cut.
class Raise : public Change {
 public:
  Member& prepare(Cluster& cluster) override {
    Member& member = Cut().prepare(cluster);
    cluster.heal();
    cluster.run(1'000);
    learn(cluster, cluster.elect(), 8);
    EXPECT_TRUE(cluster.produce(3));
    cluster.run(300);
    EXPECT_EQ(cluster.differences(), "");
    return member;
  }
  void happen(Cluster& cluster, Member& member) override {
    static_cast<void>(member->delete_records(cluster.committed_end() - 1));
    cluster.drain(member);
  }
  bool allows(const raft::Membership& membership) const override {
    return membership == with_learner(8);
  }
};

// A follower forgets its log and begins further on.
class BeginAnew : public Change {
 public:
  Member& prepare(Cluster& cluster) override {
    start_with_records(cluster);
    Member& member = some_follower(cluster);
    cluster.cut_off(member.id.value());
    learn(cluster, cluster.elect(), 8);
    EXPECT_TRUE(cluster.produce(6));
    cluster.run(300);
    for (auto& [id, other] : cluster.members()) {
      if (id != member.id) EXPECT_OK(other->delete_records(cluster.committed_end() - 1));
    }
    return member;
  }
  void happen(Cluster& cluster, Member&) override {
    cluster.heal();
    cluster.run(1'000);
  }
  bool allows(const raft::Membership& membership) const override {
    return membership == with_learner(8);
  }
};

class CrashAtEachCall {
 public:
  explicit CrashAtEachCall(std::unique_ptr<Change> change) : change_(std::move(change)) {}

  // How many calls the change takes.
  std::uint64_t run() {
    std::uint64_t call = 0;
    for (bool reached = true; reached && !testing::Test::HasFailure(); ++call) {
      for (const Survives survives :
           {Survives::kNothingUnsynced, Survives::kEverything, Survives::kRandomPart}) {
        reached = crash_at(call, survives);
      }
    }
    return call;
  }

 private:
  bool crash_at(std::uint64_t call, Survives survives) {
    SCOPED_TRACE("call " + std::to_string(call));
    Cluster cluster(kVoters, call + 1);
    Member& member = change_->prepare(cluster);
    member.env->plan_fault({.fault = fakes::Fault::kKill, .at_call = call});
    change_->happen(cluster, member);
    const bool reached = member.env->fault_happened();
    cluster.cut_off(member.id.value());
    cluster.restart(member, survives);
    if (!member.is_up()) return false;
    EXPECT_FALSE(member->is_damaged());
    EXPECT_FALSE(member.rebuilt_state);
    const raft::Membership known = member->group().membership();
    if (member->log_start() == Offset(0)) {
      EXPECT_EQ(known, told_by_the_log(member, cluster.clock)) << raft::to_string(known);
    } else {
      EXPECT_TRUE(change_->allows(known)) << raft::to_string(known);
    }
    cluster.heal();
    EXPECT_TRUE(cluster.run_until([&] { return cluster.differences().empty(); }))
        << cluster.differences();
    EXPECT_EQ(member->group().membership(), cluster.elect()->group().membership());
    return reached;
  }

  std::unique_ptr<Change> change_;
};

TEST(ReplicaCrash, AtEachCallOfACut) {
  EXPECT_GT(CrashAtEachCall(std::make_unique<Cut>()).run(), 10U);
}
TEST(ReplicaCrash, AtEachCallOfAMembershipThatComes) {
  EXPECT_GT(CrashAtEachCall(std::make_unique<Come>()).run(), 10U);
}
TEST(ReplicaCrash, AtEachCallOfARaisedLogStart) {
  EXPECT_GT(CrashAtEachCall(std::make_unique<Raise>()).run(), 5U);
}
TEST(ReplicaCrash, AtEachCallOfABeginningAnew) {
  EXPECT_GT(CrashAtEachCall(std::make_unique<BeginAnew>()).run(), 10U);
}

}  // namespace
}  // namespace penstock::broker
