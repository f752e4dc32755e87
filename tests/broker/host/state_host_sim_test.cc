// Random lives of a state machine on three nodes, or on one alone: crashes at any disk call, lost
// and repeated messages, full disks, rotten snapshots, leaders that change. Each acknowledged
// command is applied exactly once, everywhere, in one order; one of unknown outcome at most once; a
// refused one never; states are equal at equal offsets; a confirmed read has everything that was
// acknowledged before it.
#include <gflags/gflags.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "broker/host/state_host_file.h"
#include "tests/broker/host/state_host_registers.h"
#include "tests/broker/host/state_host_world.h"
#include "tests/storage/expect.h"
#include "tests/storage/seeds.h"

namespace penstock::broker {
namespace {

using fakes::Fault;
using fakes::Survives;

constexpr std::uint64_t kUsualLives = 500;
constexpr int kSteps = 5'000;
constexpr std::size_t kMaxNetwork = 300;  // a lost message is one that a queue did not take

struct Tally {
  std::uint64_t acknowledged = 0;
  std::uint64_t unknown = 0;
  std::uint64_t reads = 0;
  std::uint64_t crashes = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t installs = 0;
  std::uint64_t rotten = 0;
  std::int32_t highest_term = 0;
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
  std::uint64_t rot = 0;
  std::uint64_t hand_over = 0;
  std::uint64_t stall = 0;
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
    rot = maybe(20, 200);
    hand_over = maybe(50, 400);
    stall = maybe(50, 200);
    reorders = rng.one_in(2);
  }
};

class Life {
 public:
  Life(std::uint64_t seed, Tally& tally)
      : world_(
            seed % 8 == 0 ? nodes({1}) : nodes({1, 2, 3}),
            [] { return std::make_unique<RegisterMachine>(); }, seed),
        rng_(world_.rng),
        weather_(rng_),
        tally_(tally) {
    world_.snapshot_after_bytes = 300 + rng_.below(1'500);
    world_.raft_options.max_inflight_requests = static_cast<std::uint32_t>(1 + rng_.below(6));
    world_.judge = [](const StateMachine& machine) {
      const bool whole = static_cast<const RegisterMachine&>(machine).state().is_whole();
      return whole ? std::string() : std::string("half a command is published");
    };
  }

  std::string live() {
    for (int step = 0; step < kSteps && wrong_.empty(); ++step) {
      one_step();
      bury_the_dead();
      look_for_violations();
    }
    if (wrong_.empty()) recover();
    if (wrong_.empty()) judge_commands();
    for (auto& [id, node] : world_.nodes()) {
      tally_.snapshots += static_cast<std::uint64_t>(node.snapshots_made);
      tally_.installs += static_cast<std::uint64_t>(node.installs);
    }
    return wrong_;
  }

 private:
  // Until it is answered a command may be carried out or not.
  enum class Told { kUnknown, kDone, kNotDone };

  bool happens(std::uint64_t one_in) { return one_in != 0 && rng_.one_in(one_in); }
  StateNode& any() {
    return world_.node(1 + static_cast<std::int32_t>(rng_.below(world_.nodes().size())));
  }
  void look_for_violations() {
    if (wrong_.empty() && !world_.violations().empty()) wrong_ = world_.violations().front();
  }

  void one_step() {
    faults();
    const std::uint64_t what = rng_.below(100);
    if (what < 40) {
      exchange();
    } else if (what < 80) {
      world_.work(any());
    } else if (what < 90) {
      world_.clock.advance_ms(static_cast<std::int64_t>(1 + rng_.below(15)));
      for (auto& [id, node] : world_.nodes()) {
        if (id != stalled_) world_.tick(node);
      }
    } else if (StateNode& to = any(); to.is_up()) {
      const bool is_wanted = to.host->is_ready() || rng_.one_in(50);
      if (is_wanted) rng_.one_in(4) ? read(to) : write(to);
    }
    if (StateNode& down = any(); !down.is_up() && rng_.one_in(20)) start(down);
  }

  // --- clients

  void write(StateNode& to) {
    const std::uint64_t command = told_.size();
    told_.push_back(Told::kUnknown);
    const auto parts = static_cast<std::uint32_t>(1 + rng_.below(3));
    carry_out(*to.host, to.as<RegisterMachine>(), Write{command, parts},
              [this, command](const Result<std::size_t>& result) {
                if (told_[command] != Told::kUnknown) wrong_ = "a command is answered twice";
                if (result) {
                  told_[command] = Told::kDone;
                  ++tally_.acknowledged;
                } else if (result.error().outcome() == Outcome::kNotDone) {
                  told_[command] = Told::kNotDone;
                }
              });
    world_.pump(to);
  }

  void read(StateNode& to) {
    std::vector<std::uint64_t> expected;
    for (std::uint64_t command = 0; command < told_.size(); ++command) {
      if (told_[command] == Told::kDone) expected.push_back(command);
    }
    carry_out(*to.host, to.as<RegisterMachine>(), ReadAll{},
              [this, expected = std::move(expected)](Result<std::vector<std::uint64_t>> result) {
                if (!result) return;
                ++tally_.reads;
                std::ranges::sort(*result);
                if (!std::ranges::includes(*result, expected)) wrong_ = "a stale read";
              });
    world_.pump(to);
  }

  // --- troubles

  void exchange() {
    if (world_.network.empty()) return;
    const std::size_t reach =
        weather_.reorders ? std::min<std::size_t>(world_.network.size(), 20) : 1;
    const std::size_t which = rng_.below(reach);
    if (happens(weather_.drop)) {
      world_.network.erase(world_.network.begin() + static_cast<std::ptrdiff_t>(which));
      return;
    }
    if (happens(weather_.repeat)) {
      world_.network.push_back(PeerMessage(world_.network[which]));
    }
    world_.deliver(which);
    while (world_.network.size() > kMaxNetwork) world_.network.pop_front();
  }

  void faults() {
    if (happens(weather_.crash)) crash(any());
    if (happens(weather_.kill_at_call)) plan(any(), Fault::kKill);
    if (happens(weather_.fault_at_call)) plan(any(), static_cast<Fault>(rng_.below(3)));
    if (happens(weather_.cut_off)) {
      world_.heal();
      if (rng_.one_in(2)) world_.cut_off(any().id.value());
    }
    if (happens(weather_.full_disk)) {
      StateNode& node = any();
      node.env->set_capacity(rng_.one_in(2) ? std::nullopt : std::optional(node.env->used_bytes()));
    }
    if (happens(weather_.cold)) any().env->set_cold(rng_.one_in(2));
    if (happens(weather_.rot)) rot(any());
    if (happens(weather_.hand_over)) hand_over(any());
    // Its timers are late: it may lead in its own eyes for long.
    if (happens(weather_.stall)) stalled_ = rng_.one_in(2) ? any().id : raft::kNobody;
  }

  void hand_over(StateNode& node) {
    if (!node.is_up()) return;
    static_cast<void>(node.replica->transfer_leadership(any().id));
    if (rng_.one_in(4)) node.replica->step_down();
    world_.pump(node);
  }

  // One of a node's snapshots, never the last intact one, nor one without which the log has a gap.
  void rot(StateNode& node) {
    if (!node.is_up() || node.snapshots->is_writing()) return;
    if (node.env->fault_happened() && is_dead(*node.env)) return;
    const auto files = world_.snapshot_files(node);
    std::vector<std::string> intact;
    for (const std::string& file : files) {
      if (!file.ends_with(".state")) return;  // one is being written
      const auto bytes = node.env->contents(file);
      if (bytes && decode_state_snapshot(*bytes, {{Uuid{}, PartitionId(0)}})) {
        intact.push_back(file);
      }
    }
    if (intact.size() != files.size() || files.size() < 2) return;
    const std::string& victim = rng_.one_in(2) ? files.front() : files.back();
    Bytes bytes = *node.env->contents(victim);
    bytes[rng_.below(bytes.size())] ^= static_cast<std::byte>(1U << rng_.below(8));
    node.env->put(victim, bytes);
    ++tally_.rotten;
  }

  void plan(StateNode& node, Fault fault) {
    if (node.env->fault_happened() && is_dead(*node.env)) return;
    node.env->plan_fault({.fault = fault, .at_call = rng_.below(40)});
  }

  // A power cut, or a kill alone: then what was not flushed is seen again, and may go later.
  void crash(StateNode& node) {
    if (rng_.one_in(3) && !is_dead(*node.env)) {
      world_.stop(node);
    } else {
      world_.crash(node, static_cast<Survives>(rng_.below(3)));
    }
    ++tally_.crashes;
  }

  // A process that was to die at one of its calls is dead from then on, and one whose disk failed
  // has ended.
  void bury_the_dead() {
    for (auto& [id, node] : world_.nodes()) {
      const bool must_end = node.fatal.has_value() && !node.is_up();
      if (!must_end && !(node.env->fault_happened() && is_dead(*node.env))) continue;
      crash(node);
      node.fatal.reset();
    }
  }
  // Nothing works any more.
  static bool is_dead(fakes::FakeEnv& env) { return !env.exists("/"); }

  void start(StateNode& node) {
    if (node.env->fault_happened() && is_dead(*node.env)) crash(node);
    // The second crash often comes while the first one is repaired.
    if (happens(weather_.kill_at_call == 0 ? 0 : 3)) {
      node.env->plan_fault({.fault = Fault::kKill, .at_call = rng_.below(60)});
    }
    const Status started = world_.start(node);
    if (started) return;
    const bool excused = node.env->fault_happened() || started.error().code() == Errc::kDiskFull;
    if (!excused) wrong_ = "start: " + started.error().to_string();
    crash(node);
  }

  // --- after all that: everything works again

  void recover() {
    world_.heal();
    for (auto& [id, node] : world_.nodes()) {
      node.env->clear_faults();
      node.env->set_capacity(std::nullopt);
      node.env->set_cold(false);
      if (node.is_up()) continue;
      if (const Status started = world_.start(node); !started) {
        wrong_ = "start, at the end: " + started.error().to_string();
        return;
      }
    }
    for (int i = 0; i < 3 && wrong_.empty(); ++i) write_one();
    if (wrong_.empty() && !world_.run_until([&] { return world_.differences().empty(); })) {
      wrong_ = world_.differences();
    }
    look_for_violations();
  }

  void write_one() {
    const bool done = world_.run_until(
        [&] {
          StateNode* const leader = world_.leader();
          if (leader == nullptr) return false;
          write(*leader);
          world_.settle();
          return told_.back() == Told::kDone;
        },
        60'000);
    if (!done) wrong_ = "nothing can be carried out any more";
  }

  void judge_commands() {
    const auto& commands = world_.node(1).as<RegisterMachine>().state().commands();
    for (std::uint64_t command = 0; command < told_.size() && wrong_.empty(); ++command) {
      const auto times = std::ranges::count(commands, command);
      const std::string name = "command " + std::to_string(command);
      if (times > 1) wrong_ = name + " was carried out twice";
      if (told_[command] == Told::kDone && times != 1) wrong_ = name + " is lost";
      if (told_[command] == Told::kNotDone && times != 0) wrong_ = name + " was done after all";
      if (told_[command] == Told::kUnknown) ++tally_.unknown;
    }
    tally_.highest_term = std::max(tally_.highest_term, world_.node(1).replica->term().value());
  }

  StateWorld world_;
  Rng& rng_;
  Weather weather_;
  Tally& tally_;
  std::vector<Told> told_;
  raft::NodeId stalled_ = raft::kNobody;
  std::string wrong_;
};

TEST(StateHostSim, EachAcknowledgedCommandIsAppliedOnceEverywhereInOneOrder) {
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
      "STATEHOST seeds=%lu violations=%lu acknowledged=%lu unknown=%lu reads=%lu crashes=%lu "
      "snapshots=%lu installs=%lu rotten=%lu highest_term=%d\n",
      seeds, violations, tally.acknowledged, tally.unknown, tally.reads, tally.crashes,
      tally.snapshots, tally.installs, tally.rotten, tally.highest_term);
  EXPECT_GT(tally.acknowledged, 0U);
}

}  // namespace
}  // namespace penstock::broker
