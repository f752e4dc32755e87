// A power cut, and a failed call, at each disk call of what a host does; and a look at what comes
// up again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/broker/host/state_host_registers.h"
#include "tests/broker/host/state_host_world.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::Fault;
using fakes::Survives;
using testing::IsEmpty;

constexpr Survives kCuts[] = {Survives::kNothingUnsynced, Survives::kEverything,
                              Survives::kRandomPart};

std::unique_ptr<StateMachine> make_registers() { return std::make_unique<RegisterMachine>(); }

const std::vector<std::uint64_t>& commands_of(const StateNode& node) {
  return node.as<RegisterMachine>().state().commands();
}

// Submits commands one by one; remembers what was acknowledged.
class Client {
 public:
  explicit Client(StateWorld& world) : world_(world) {}

  // False: it was not answered with success.
  bool write(StateNode& node) {
    if (!node.is_up()) return false;
    const auto done = std::make_shared<bool>(false);
    carry_out(*node.host, node.as<RegisterMachine>(), Write{next_, 2},
              [this, done, command = next_](const Result<std::size_t>& result) {
                *done = result.has_value();
                if (result) acknowledged_.push_back(command);
              });
    ++next_;
    world_.pump(node);
    world_.settle();
    return *done;
  }
  const std::vector<std::uint64_t>& acknowledged() const { return acknowledged_; }

 private:
  StateWorld& world_;
  std::uint64_t next_ = 1;
  std::vector<std::uint64_t> acknowledged_;
};

void expect_all(const StateNode& node, const Client& client) {
  EXPECT_THAT(commands_of(node), testing::IsSupersetOf(client.acknowledged()));
}

struct Sweep {
  std::uint64_t calls = 0;
  std::uint64_t crashes = 0;
};

// One broker alone writes through several snapshots; it dies, or a call fails, at the k-th call.
void write_and_fail(Fault fault, Sweep& sweep) {
  bool reached = true;
  for (std::uint64_t call = 0; reached && !testing::Test::HasFailure(); call += 3) {
    for (const Survives survives : kCuts) {
      SCOPED_TRACE("call " + std::to_string(call));
      StateWorld world(nodes({1}), make_registers, call + 1);
      world.snapshot_after_bytes = 300;
      StateNode& node = world.node(1);
      ASSERT_OK(world.start(node));
      world.run(10);
      Client client(world);
      node.env->plan_fault(
          {.fault = fault, .at_call = call + static_cast<std::uint64_t>(survives)});
      for (int i = 0; i < 14; ++i) {
        client.write(node);
        world.run(10);
      }
      reached = node.env->fault_happened();
      sweep.calls = call;
      ++sweep.crashes;
      world.crash(node, survives);
      ASSERT_OK(world.start(node));
      world.run(10);
      expect_all(node, client);
      EXPECT_EQ(node.snapshots->damaged(), 0U);
      EXPECT_TRUE(client.write(node));
      EXPECT_THAT(world.violations(), IsEmpty());
    }
  }
}

TEST(StateHostCrash, APowerCutAtEachCallOfWritingAndOfMakingSnapshots) {
  Sweep sweep;
  write_and_fail(Fault::kKill, sweep);
  EXPECT_GT(sweep.calls, 100U);
}

TEST(StateHostCrash, AFailedCallAnywhere) {
  Sweep sweep;
  write_and_fail(Fault::kIoError, sweep);
  EXPECT_GT(sweep.calls, 100U);
}

TEST(StateHostCrash, AFullDiskAnywhere) {
  Sweep sweep;
  write_and_fail(Fault::kDiskFull, sweep);
  EXPECT_GT(sweep.calls, 100U);
}

TEST(StateHostCrash, APowerCutAtEachCallOfAnInstallation) {
  std::uint64_t calls = 0;
  bool reached = true;
  for (std::uint64_t call = 0; reached && !testing::Test::HasFailure(); ++call) {
    for (const Survives survives : kCuts) {
      SCOPED_TRACE("call " + std::to_string(call));
      StateWorld world(nodes({1, 2, 3}), make_registers, call + 1);
      world.start_everyone();
      Client client(world);
      client.write(world.elect());
      StateNode& late = world.node(world.elect().id.value() == 1 ? 2 : 1);
      world.cut_off(late.id.value());
      while (world.elect().replica->log_start() <= late.replica->log_end()) {
        client.write(world.elect());
        world.run(10);
      }
      late.env->plan_fault({.fault = Fault::kKill, .at_call = call});
      world.heal();
      world.run(1'000);
      reached = late.env->fault_happened();
      if (!reached) EXPECT_EQ(late.installs, 1);
      world.crash(late, survives);
      ASSERT_OK(world.start(late));
      ASSERT_TRUE(world.run_until([&] { return world.differences().empty(); }))
          << world.differences();
      expect_all(late, client);
      calls = call;
    }
  }
  EXPECT_GT(calls, 10U);
}

// A second power cut while the first one is repaired.
TEST(StateHostCrash, APowerCutAtEachCallOfAnOpen) {
  std::uint64_t calls = 0;
  bool reached = true;
  for (std::uint64_t call = 0; reached && !testing::Test::HasFailure(); ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    StateWorld world(nodes({1}), make_registers, call + 1);
    world.snapshot_after_bytes = 300;
    StateNode& node = world.node(1);
    ASSERT_OK(world.start(node));
    world.run(10);
    Client client(world);
    while (node.snapshots_made < 3) {
      client.write(node);
      world.run(10);
    }
    world.crash(node, Survives::kRandomPart);
    node.env->plan_fault({.fault = Fault::kKill, .at_call = call});
    static_cast<void>(world.start(node));
    reached = node.env->fault_happened();
    world.crash(node, Survives::kRandomPart);
    ASSERT_OK(world.start(node));
    world.run(10);
    expect_all(node, client);
    EXPECT_TRUE(client.write(node));
    EXPECT_THAT(world.violations(), IsEmpty());
    calls = call;
  }
  EXPECT_GT(calls, 20U);
}

}  // namespace
}  // namespace penstock::broker
