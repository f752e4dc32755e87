// Post: a request to a broker and its answer, either of which may be lost; whoever asked waits only
// so long.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "tests/sim/broker.h"

namespace penstock::sim {

inline constexpr std::int64_t kRequestTime = kMs;
inline constexpr std::int64_t kPatience = 3 * kSecond;

// `done` gets a Result of the command's answer, once: kTimeout when none came.
template <typename Command, typename Done>
void post(Scene& scene, SimBroker& to, Command command, Done done) {
  using Answer =
      Result<decltype(std::declval<const broker::ClusterState&>().handle(command)->answer)>;
  const auto waiting = std::make_shared<bool>(true);
  const std::function<void(const Answer&)> answer =
      [waiting, done = std::move(done)](const Answer& outcome) {
        if (std::exchange(*waiting, false)) done(outcome);
      };
  scene.world.after(kPatience, [answer] { answer(fail(unknown_outcome())); });
  if (scene.world.chance(scene.weather.loss)) return;
  const auto carry_back = [&scene, answer](const Answer& outcome) {
    if (scene.world.chance(scene.weather.loss)) return;
    scene.world.after(scene.world.around(kRequestTime), [answer, outcome] { answer(outcome); });
  };
  scene.world.after(scene.world.around(kRequestTime),
                    [&to, command = std::move(command), answer, carry_back] {
                      if (!to.is_up()) return answer(fail(Errc::kConnectFailed));
                      to.metadata()->carry_out(command, carry_back);
                    });
}

// Who should be asked next, after `to` could not answer: the one that it takes for the controller,
// or any.
inline SimBroker& next_to_ask(Scene& scene, const Brokers& brokers, SimBroker& to) {
  if (to.is_up()) {
    for (SimBroker* other : brokers) {
      if (other->number() == to.metadata()->controller()) return *other;
    }
  }
  return *brokers[scene.world.rng().below(brokers.size())];
}

}  // namespace penstock::sim
