// Random lives of a compacted log: replicas compact when and as far as they like, crash at any disk
// call in the middle of it, leave the group and come back with old files. What is left of a record
// is what was committed; in the end a reader of any replica finds the latest value of every key,
// and no key that was deleted.
#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/broker/host/keyed_replicas.h"
#include "tests/storage/expect.h"
#include "tests/storage/seeds.h"

namespace penstock::broker {
namespace {

using fakes::Fault;
using fakes::Survives;
using storage::keyed_batch;

constexpr std::uint64_t kUsualLives = 300;
constexpr int kSteps = 5'000;
constexpr std::int32_t kMembers = 4;
constexpr std::uint64_t kKeys = 6;
constexpr std::int64_t kTombstonesStayMs = 300;
constexpr std::size_t kMaxNetwork = 300;

struct Tally {
  std::uint64_t acknowledged = 0;
  std::uint64_t crashes = 0;
  std::uint64_t changes = 0;
  std::uint64_t passes = 0;  // that removed something
  std::uint64_t superseded = 0;
  std::uint64_t tombstones = 0;
  std::uint64_t begun_anew = 0;
};

class Life {
 public:
  Life(std::uint64_t seed, Tally& tally)
      : cluster_(nodes({1, 2, 3}), seed), keyed_(cluster_), rng_(cluster_.rng), tally_(tally) {
    cluster_.add(raft::NodeId(4));
    cluster_.tombstones_stay_ms = kTombstonesStayMs;
    cluster_.log_options.retention_ms = std::nullopt;
    cluster_.log_options.segment_bytes = 400 + rng_.below(1'500);
    cluster_.raft_options.election_timeout_ms = 200;
    cluster_.raft_options.heartbeat_ms = 40;
    drops_ = rng_.one_in(2) ? 0 : 5 + rng_.below(50);
    crashes_ = rng_.one_in(3) ? 0 : 60 + rng_.below(400);
    kills_ = rng_.one_in(3) ? 0 : 60 + rng_.below(400);
    changes_ = rng_.one_in(3) ? 0 : 50 + rng_.below(300);
    leaves_ = rng_.one_in(2) ? 0 : 100 + rng_.below(500);
  }

  std::string live() {
    for (int step = 0; step < kSteps && wrong_.empty(); ++step) {
      one_step();
      bury_the_dead();
      if (!cluster_.violations().empty()) wrong_ = cluster_.violations().front();
    }
    if (wrong_.empty()) wrong_ = recover();
    tally_.acknowledged += cluster_.acknowledged();
    return wrong_;
  }

 private:
  bool happens(std::uint64_t one_in) { return one_in != 0 && rng_.one_in(one_in); }
  Member& any() { return cluster_.node(1 + static_cast<std::int32_t>(rng_.below(kMembers))); }

  void one_step() {
    faults();
    Member& member = any();
    if (!member.is_up()) {
      if (rng_.one_in(20) && !away_.contains(member.id)) start(member);
      return;
    }
    if (happens(changes_)) change_members(member);
    if (!member.is_up()) return;  // a disk failed
    const std::uint64_t what = rng_.below(100);
    if (what < 40) {
      exchange();
    } else if (what < 70) {
      cluster_.work(member);
    } else if (what < 80) {
      cluster_.clock.advance_ms(static_cast<std::int64_t>(1 + rng_.below(20)));
      for (auto& [id, one] : cluster_.members()) cluster_.tick(one);
    } else if (what < 90) {
      compact(member);
    } else if (member->is_ready()) {
      static_cast<void>(cluster_.append_batch(member, any_batch()));
    }
  }

  Bytes any_batch() {
    std::vector<storage::KeyedRecord> records;
    for (std::uint64_t i = 0; i <= rng_.below(4); ++i) {
      const std::string key = "k" + std::to_string(rng_.below(kKeys));
      records.push_back(rng_.one_in(3) ? storage::tombstone(key)
                                       : storage::put(key, std::to_string(++values_)));
    }
    return keyed_batch(Offset(0), Term(0), records);
  }

  void compact(Member& member) {
    if (rng_.one_in(10)) {
      static_cast<void>(member->seal());
      cluster_.drain(member);
      return;
    }
    const auto pass = member.pass;
    cluster_.compact_piece(member);
    if (!pass || (member.is_up() && member.pass)) return;
    const storage::CompactionFigures& figures = pass->figures();
    tally_.passes += figures.segments_replaced > 0 ? 1 : 0;
    tally_.superseded += figures.records_superseded;
    tally_.tombstones += figures.tombstones_removed;
  }

  void exchange() {
    if (cluster_.network.empty()) return;
    const std::size_t which = rng_.below(std::min<std::size_t>(cluster_.network.size(), 5));
    if (happens(drops_)) {
      cluster_.network.erase(cluster_.network.begin() + static_cast<std::ptrdiff_t>(which));
      return;
    }
    cluster_.deliver(which);
    while (cluster_.network.size() > kMaxNetwork) cluster_.network.pop_front();
  }

  void faults() {
    if (happens(crashes_)) {
      cluster_.crash(any(), static_cast<Survives>(rng_.below(3)));
      ++tally_.crashes;
    }
    Member& member = any();
    if (happens(kills_) && !(member.env->fault_happened() && is_dead(*member.env))) {
      member.env->plan_fault({.fault = Fault::kKill, .at_call = rng_.below(40)});
    }
    if (happens(leaves_)) leave_or_return();
  }

  // Somebody goes away for long enough that tombstones which it never saw come and go: with half of
  // them the group goes on without it.
  void leave_or_return() {
    if (!away_.empty()) {
      away_.clear();
      return;
    }
    Member& member = any();
    cluster_.crash(member, Survives::kNothingUnsynced);
    away_.insert(member.id);
  }

  void change_members(Member& member) {
    std::vector<raft::NodeId> voters;
    std::vector<raft::NodeId> learners;
    for (std::int32_t id = 1; id <= kMembers; ++id) {
      if (away_.contains(raft::NodeId(id))) continue;
      const std::uint64_t role = rng_.below(5);
      if (role < 4) (role == 0 ? learners : voters).emplace_back(id);
    }
    if (!voters.empty() && member->change_membership(voters, learners)) ++tally_.changes;
    cluster_.drain(member);
  }

  void bury_the_dead() {
    for (auto& [id, member] : cluster_.members()) {
      const bool must_end = member.fatal.has_value() && !member.is_up();
      if (!must_end && !(member.env->fault_happened() && is_dead(*member.env))) continue;
      cluster_.crash(member, static_cast<Survives>(rng_.below(3)));
      member.fatal.reset();
      ++tally_.crashes;
    }
  }
  static bool is_dead(fakes::FakeEnv& env) { return !env.exists("/"); }

  void start(Member& member) {
    if (const Status started = cluster_.start(member); !started) {
      if (!member.env->fault_happened()) wrong_ = "start: " + started.error().to_string();
      cluster_.crash(member, static_cast<Survives>(rng_.below(3)));
    }
  }

  // --- after all that: everything works again

  bool everyone_votes() {
    Member& leader = cluster_.elect();
    const auto all = nodes({1, 2, 3, 4});
    const raft::Membership now = leader->group().membership();
    if (now.voters == all && !now.is_joint()) return true;
    std::vector<raft::NodeId> others;
    std::ranges::set_difference(all, now.voters, std::back_inserter(others));
    const bool are_learners = now.learners == others;
    static_cast<void>(are_learners ? leader->change_membership(all, {})
                                   : leader->change_membership(now.voters, others));
    cluster_.drain(leader);
    return false;
  }

  std::string recover() {
    for (auto& [id, member] : cluster_.members()) {
      member.env->clear_faults();
      if (member.is_up()) continue;
      if (const Status started = cluster_.start(member); !started) {
        return "start, at the end: " + started.error().to_string();
      }
    }
    if (!cluster_.run_until([&] { return everyone_votes(); }, 60'000)) {
      return "the members cannot be changed any more";
    }
    // With time for tombstones to go in between.
    for (int round = 0; round < 3; ++round) {
      if (!cluster_.produce(1)) return "nothing can be produced any more";
      if (!cluster_.run_until([&] { return cluster_.differences().empty(); })) {
        return cluster_.differences();
      }
      for (auto& [id, member] : cluster_.members()) {
        if (std::string wrong = keyed_.wrong_at(member); !wrong.empty()) return wrong;
        if (round == 0) tally_.begun_anew += member->stats().begun_anew;
        cluster_.compact(member);
        if (std::string wrong = keyed_.wrong_at(member); !wrong.empty()) return wrong;
      }
      cluster_.run(kTombstonesStayMs + 500);
    }
    for (auto& [id, member] : cluster_.members()) {
      const auto found = KeyedReplicas::read(member);
      for (const auto& [key, last] : keyed_.last()) {
        if (!last.value && found.contains(key)) return "a tombstone never goes: " + key;
      }
    }
    return cluster_.violations().empty() ? "" : cluster_.violations().front();
  }

  Cluster cluster_;
  KeyedReplicas keyed_;
  Rng& rng_;
  Tally& tally_;
  std::uint64_t drops_ = 0, crashes_ = 0, kills_ = 0, changes_ = 0, leaves_ = 0;
  std::set<raft::NodeId> away_;
  std::uint64_t values_ = 0;
  std::string wrong_;
};

TEST(ReplicaCompactionSim, ReadersOfAnyReplicaFindTheLatestOfEachKeyAndNothingDeleted) {
  Tally tally;
  std::uint64_t seeds = 0;
  std::uint64_t violations = 0;
  storage::for_each_seed(kUsualLives, [&](std::uint64_t seed) {
    ++seeds;
    const std::string wrong = Life(seed, tally).live();
    if (wrong.empty()) return;
    ++violations;
    ADD_FAILURE() << "seed " << seed << ": " << wrong;
  });
  std::printf(
      "REPLICACOMPACTION seeds=%lu violations=%lu acknowledged=%lu crashes=%lu changes=%lu "
      "passes=%lu superseded=%lu tombstones=%lu begun_anew=%lu\n",
      seeds, violations, tally.acknowledged, tally.crashes, tally.changes, tally.passes,
      tally.superseded, tally.tombstones, tally.begun_anew);
  EXPECT_GT(tally.superseded, 0U);
  EXPECT_GT(tally.tombstones, 0U);
}

}  // namespace
}  // namespace penstock::broker
