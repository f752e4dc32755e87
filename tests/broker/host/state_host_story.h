// What stories about state hosts begin with: registers on one node and on three, commands to them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/host/state_host.h"
#include "tests/broker/host/state_host_registers.h"
#include "tests/broker/host/state_host_world.h"
#include "tests/storage/expect.h"

namespace penstock::broker {

inline std::unique_ptr<StateMachine> make_registers() {
  return std::make_unique<RegisterMachine>();
}

inline const std::vector<std::uint64_t>& commands_of(const StateNode& node) {
  return node.as<RegisterMachine>().state().commands();
}

// What became of a command.
template <typename T>
using Told = std::shared_ptr<std::optional<Result<T>>>;

template <typename T, typename Machine, typename Command>
Told<T> send(StateWorld& world, StateNode& node, Command command) {
  auto outcome = std::make_shared<std::optional<Result<T>>>();
  carry_out(*node.host, node.as<Machine>(), std::move(command),
            [outcome](Result<T> result) { *outcome = std::move(result); });
  world.pump(node);
  return outcome;
}

inline Told<std::size_t> write(StateWorld& world, StateNode& node, std::uint64_t command) {
  return send<std::size_t, RegisterMachine>(world, node, Write{command, 2});
}
inline Told<std::vector<std::uint64_t>> read(StateWorld& world, StateNode& node) {
  return send<std::vector<std::uint64_t>, RegisterMachine>(world, node, ReadAll{});
}

template <typename T>
Errc code_of(const Told<T>& outcome) {
  return *outcome && !**outcome ? (**outcome).error().code() : Errc::kOk;
}

class StateHostTest : public testing::Test {
 protected:
  ~StateHostTest() override {
    for (StateWorld* world : {&alone_, &three_})
      EXPECT_THAT(world->violations(), testing::IsEmpty());
  }
  // Writes commands [from, to) through whoever leads.
  static void write_all(StateWorld& world, std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t command = from; command < to; ++command) {
      const auto outcome = write(world, world.elect(), command);
      ASSERT_TRUE(world.run_until([&] { return outcome->has_value(); }));
      ASSERT_OK(**outcome) << command;
    }
  }
  // More commands, numbered on from what the leader has; gives up when something else failed.
  static void write_while(StateWorld& world, const std::function<bool()>& wanted) {
    while (wanted() && !HasFailure()) {
      const std::uint64_t next = commands_of(world.elect()).size();
      write_all(world, next, next + 1);
    }
  }
  StateNode& some_follower() { return three_.node(three_.elect().id.value() == 1 ? 2 : 1); }

  StateWorld alone_{nodes({1}), make_registers};
  StateWorld three_{nodes({1, 2, 3}), make_registers};
};

}  // namespace penstock::broker
