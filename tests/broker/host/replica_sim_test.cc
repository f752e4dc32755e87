// Random lives of a group of replicas: crashes at any disk call, lost and repeated messages, full
// disks, changes of members. What was acknowledged is never lost or altered, and what anyone calls
// committed is the same everywhere, byte for byte.
#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "tests/broker/host/cluster.h"
#include "tests/broker/host/numbered_clients.h"
#include "tests/storage/expect.h"
#include "tests/storage/seeds.h"

namespace penstock::broker {
namespace {

using fakes::Fault;
using fakes::Survives;

constexpr std::uint64_t kUsualLives = 1'000;
constexpr int kSteps = 6'000;
constexpr std::int32_t kMembers = 4;
// A lost message is one that a queue did not take.
constexpr std::size_t kMaxNetwork = 300;

struct Tally {
  std::uint64_t crashes = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t elections = 0;
  std::uint64_t truncations = 0;
  std::uint64_t installs = 0;
  std::uint64_t changes = 0;
  std::uint64_t cold_reads = 0;
  std::uint64_t numbered = 0;  // batches that producers have numbered, acknowledged
  std::uint64_t repeated = 0;  // ... and sent again when they were in the log
};

// What goes wrong in this life, and how often: one in so many steps; 0: never.
struct Weather {
  std::uint64_t drop = 0;  // of messages
  std::uint64_t repeat = 0;
  std::uint64_t crash = 0;
  std::uint64_t kill_at_call = 0;
  std::uint64_t fault_at_call = 0;
  std::uint64_t cut_off = 0;
  std::uint64_t full_disk = 0;
  std::uint64_t cold = 0;
  std::uint64_t trim = 0;
  std::uint64_t change = 0;
  std::uint64_t hand_over = 0;
  bool reorders = false;

  explicit Weather(Rng& rng) {
    const auto maybe = [&](std::uint64_t often, std::uint64_t seldom) {
      return rng.one_in(2) ? 0 : often + rng.below(seldom - often);
    };
    drop = maybe(3, 50);
    repeat = maybe(3, 50);
    crash = maybe(60, 400);
    kill_at_call = maybe(60, 400);
    fault_at_call = maybe(150, 600);
    cut_off = maybe(100, 400);
    full_disk = maybe(100, 400);
    cold = maybe(30, 200);
    trim = maybe(30, 200);
    change = maybe(50, 300);
    hand_over = maybe(100, 400);
    reorders = rng.one_in(2);
  }
};

class Life {
 public:
  Life(std::uint64_t seed, Tally& tally)
      : cluster_(nodes({1, 2, 3}), seed), rng_(cluster_.rng), weather_(rng_), tally_(tally) {
    cluster_.add(raft::NodeId(4));
    // A state machine has no producers; both kinds of logs live through the same.
    cluster_.has_state = seed % 2 == 0;
    if (!cluster_.has_state) clients_.emplace(cluster_, 3);
    cluster_.raft_options.election_timeout_ms = 200;
    cluster_.raft_options.heartbeat_ms = 40;
    cluster_.raft_options.max_inflight_requests = static_cast<std::uint32_t>(1 + rng_.below(6));
  }

  std::string live() {
    for (int step = 0; step < kSteps && wrong_.empty(); ++step) {
      one_step();
      bury_the_dead();
      if (!cluster_.violations().empty()) wrong_ = cluster_.violations().front();
      if (clients_ && !clients_->wrong().empty()) wrong_ = clients_->wrong();
    }
    if (wrong_.empty()) wrong_ = recover();
    for (auto& [id, member] : cluster_.members()) {
      tally_.truncations += static_cast<std::uint64_t>(member.truncations);
      tally_.installs += static_cast<std::uint64_t>(member.resets);
      tally_.cold_reads += static_cast<std::uint64_t>(member.cold_reads);
    }
    tally_.acknowledged += cluster_.acknowledged();
    if (clients_) {
      tally_.numbered += clients_->acknowledged();
      tally_.repeated += clients_->repeated();
    }
    return wrong_;
  }

 private:
  bool happens(std::uint64_t one_in) { return one_in != 0 && rng_.one_in(one_in); }
  Member& any() { return cluster_.node(1 + static_cast<std::int32_t>(rng_.below(kMembers))); }
  Member* anyone_up() {
    Member& member = any();
    return member.is_up() ? &member : nullptr;
  }

  void one_step() {
    faults();
    operators();
    const std::uint64_t what = rng_.below(100);
    if (what < 40) {
      exchange();
    } else if (what < 80) {
      cluster_.work(any());
    } else if (what < 90) {
      cluster_.clock.advance_ms(static_cast<std::int64_t>(1 + rng_.below(15)));
      for (auto& [id, member] : cluster_.members()) cluster_.tick(member);
    } else if (Member* const to = anyone_up(); to != nullptr) {
      if (clients_ && !rng_.one_in(3)) {
        clients_->step(*to);
      } else if (to->replica->is_ready()) {
        static_cast<void>(cluster_.append(*to, 20 + rng_.below(300)));
      }
    }
    if (Member& down = any(); !down.is_up() && rng_.one_in(20)) start(down);
  }

  void exchange() {
    if (cluster_.network.empty()) return;
    const std::size_t reach =
        weather_.reorders ? std::min<std::size_t>(cluster_.network.size(), 20) : 1;
    const std::size_t which = rng_.below(reach);
    if (happens(weather_.drop)) {
      cluster_.network.erase(cluster_.network.begin() + static_cast<std::ptrdiff_t>(which));
      return;
    }
    if (happens(weather_.repeat)) {
      cluster_.network.push_back(PeerMessage(cluster_.network[which]));
    }
    cluster_.deliver(which);
    while (cluster_.network.size() > kMaxNetwork) cluster_.network.pop_front();
  }

  void faults() {
    if (happens(weather_.crash)) {
      Member& member = any();
      cluster_.crash(member, static_cast<Survives>(rng_.below(3)));
      ++tally_.crashes;
    }
    if (happens(weather_.kill_at_call)) plan(any(), Fault::kKill);
    if (happens(weather_.fault_at_call)) plan(any(), static_cast<Fault>(rng_.below(3)));
    if (happens(weather_.cut_off)) {
      cluster_.heal();
      if (rng_.one_in(2)) cluster_.cut_off(any().id.value());
    }
    if (happens(weather_.full_disk)) {
      Member& member = any();
      member.env->set_capacity(rng_.one_in(2) ? std::nullopt
                                              : std::optional(member.env->used_bytes()));
    }
    if (happens(weather_.cold)) any().env->set_cold(rng_.one_in(2));
  }

  void plan(Member& member, Fault fault) {
    if (member.env->fault_happened() && is_dead(*member.env)) return;
    member.env->plan_fault({.fault = fault, .at_call = rng_.below(40)});
  }

  void operators() {
    Member* const member = anyone_up();
    if (member == nullptr) return;
    Replica& replica = **member;
    if (happens(weather_.trim)) {
      const Offset to = replica.committed() - static_cast<std::int64_t>(rng_.below(5));
      if (rng_.one_in(2)) {
        static_cast<void>(replica.delete_records(to));
      } else {
        static_cast<void>(replica.apply_retention());
      }
    }
    if (happens(weather_.change)) {
      std::vector<raft::NodeId> voters;
      std::vector<raft::NodeId> learners;
      for (std::int32_t id = 1; id <= kMembers; ++id) {
        const std::uint64_t role = rng_.below(4);
        if (role < 3) (role == 0 ? learners : voters).emplace_back(id);
      }
      if (!voters.empty() && replica.change_membership(voters, learners)) ++tally_.changes;
    }
    if (happens(weather_.hand_over)) {
      static_cast<void>(replica.transfer_leadership(any().id));
      if (rng_.one_in(4)) replica.step_down();
    }
    cluster_.drain(*member);
  }

  // A process that was to die at one of its calls is dead from then on, and one whose disk failed
  // has ended.
  void bury_the_dead() {
    for (auto& [id, member] : cluster_.members()) {
      const bool must_end = member.fatal.has_value() && !member.is_up();
      if (!must_end && !(member.env->fault_happened() && is_dead(*member.env))) continue;
      cluster_.crash(member, static_cast<Survives>(rng_.below(3)));
      member.fatal.reset();
      ++tally_.crashes;
    }
  }
  // Nothing works any more.
  static bool is_dead(fakes::FakeEnv& env) { return !env.exists("/"); }

  void start(Member& member) {
    if (member.env->fault_happened() && is_dead(*member.env)) {
      cluster_.crash(member, Survives::kRandomPart);
    }
    // The second crash often comes while the first one is repaired.
    if (happens(weather_.kill_at_call == 0 ? 0 : 3)) {
      member.env->plan_fault({.fault = Fault::kKill, .at_call = rng_.below(60)});
    }
    if (const Status started = cluster_.start(member); !started) {
      const bool excused =
          member.env->fault_happened() || started.error().code() == Errc::kDiskFull;
      if (!excused) wrong_ = "start: " + started.error().to_string();
      cluster_.crash(member, static_cast<Survives>(rng_.below(3)));
      ++tally_.crashes;
      return;
    }
    judge(member);
  }

  void judge(const Member& member) {
    if (!member.is_up()) return;
    if (member.replica->is_damaged()) wrong_ = "a false alarm of damage";
    if (member.rebuilt_state) wrong_ = "the side file was lost";
  }

  // --- after all that: everything works again

  bool everyone_votes() {
    Member& leader = cluster_.elect();
    const auto all = nodes({1, 2, 3, 4});
    const raft::Membership now = leader->group().membership();
    if (now.voters == all && !now.is_joint()) return true;
    std::vector<raft::NodeId> others;
    std::ranges::set_difference(all, now.voters, std::back_inserter(others));
    if (now.learners != others) {
      static_cast<void>(leader->change_membership(now.voters, others));
    } else {
      static_cast<void>(leader->change_membership(all, {}));
    }
    cluster_.drain(leader);
    return false;
  }

  std::string recover() {
    cluster_.heal();
    for (auto& [id, member] : cluster_.members()) {
      member.env->clear_faults();
      member.env->set_capacity(std::nullopt);
      member.env->set_cold(false);
      if (member.is_up()) continue;
      if (const Status started = cluster_.start(member); !started) {
        return "start, at the end: " + started.error().to_string();
      }
      judge(member);
    }
    if (!wrong_.empty()) return wrong_;
    const std::uint64_t before = cluster_.acknowledged();
    if (!cluster_.run_until([&] { return everyone_votes(); }, 60'000)) {
      return "the members cannot be changed any more";
    }
    if (!cluster_.produce(3)) return "nothing can be produced any more";
    if (cluster_.acknowledged() < before + 3) return "nothing is acknowledged any more";
    if (clients_ && !clients_->settle()) return "a producer gets no answer any more";
    if (clients_ && !clients_->wrong().empty()) return clients_->wrong();
    if (!cluster_.run_until([&] { return cluster_.differences().empty(); })) {
      return cluster_.differences();
    }
    if (std::string differing = different_producers(); !differing.empty()) return differing;
    for (auto& [id, member] : cluster_.members()) {
      tally_.elections = std::max<std::uint64_t>(
          tally_.elections, static_cast<std::uint64_t>(member->term().value()));
    }
    return cluster_.violations().empty() ? "" : cluster_.violations().front();
  }

  // All members know the same of the producers: the same log gives the same table.
  std::string different_producers() {
    if (!clients_) return "";
    const ProducerTable* first = nullptr;
    for (auto& [id, member] : cluster_.members()) {
      const ProducerTable* const table = member->producers();
      if (table == nullptr) return raft::to_string(id) + " has no table of producers";
      if (first == nullptr) first = table;
      if (table->producers().all() != first->producers().all()) {
        return raft::to_string(id) + " knows something else of the producers";
      }
    }
    return "";
  }

  Cluster cluster_;
  std::optional<NumberedClients> clients_;
  Rng& rng_;
  Weather weather_;
  Tally& tally_;
  std::string wrong_;
};

TEST(ReplicaSim, NothingAcknowledgedIsLostOrAltered) {
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
      "REPLICASIM seeds=%lu violations=%lu acknowledged=%lu crashes=%lu truncations=%lu "
      "installs=%lu changes=%lu cold_reads=%lu numbered=%lu repeated=%lu highest_term=%lu\n",
      seeds, violations, tally.acknowledged, tally.crashes, tally.truncations, tally.installs,
      tally.changes, tally.cold_reads, tally.numbered, tally.repeated, tally.elections);
  EXPECT_GT(tally.acknowledged, 0U);
  EXPECT_GT(tally.numbered + tally.repeated, 0U);
}

}  // namespace
}  // namespace penstock::broker
