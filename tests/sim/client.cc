#include "tests/sim/client.h"

#include <memory>
#include <utility>

#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr std::int64_t kRequestTime = kMs;
constexpr std::int64_t kBetweenRequests = 100 * kMs;
// A client that hears nothing for that long stops waiting; the outcome is not known then.
constexpr std::int64_t kPatience = 3 * kSecond;

}  // namespace

SimClient::SimClient(Scene& scene, std::int64_t id, std::vector<std::unique_ptr<Node>>& nodes,
                     int groups)
    : scene_(scene),
      id_(id),
      nodes_(nodes),
      leader_guess_(static_cast<std::size_t>(groups), 0),
      last_ns_(static_cast<std::size_t>(groups), -1) {}

void SimClient::start() { send_next(); }

void SimClient::send_next() {
  scene_.world.after(scene_.world.around(kBetweenRequests), [this] {
    if (stopped_) return;
    const auto group = static_cast<GroupNumber>(scene_.world.rng().below(leader_guess_.size()));
    const BatchName name{id_, ++number_};
    for (auto& invariant : scene_.invariants) invariant->requested(group, name);
    attempt(group, name);
  });
}

void SimClient::attempt(GroupNumber group, BatchName name) {
  scene_.world.after(scene_.world.around(kRequestTime), [this, group, name] {
    Node& node = *nodes_[leader_guess_[static_cast<std::size_t>(group)]];
    // Whichever comes first counts: the answer, or the end of patience.
    auto waiting = std::make_shared<bool>(true);
    const auto answer = [this, group, name, waiting](const Result<Offset>& outcome) {
      if (!std::exchange(*waiting, false)) return;
      scene_.world.after(scene_.world.around(kRequestTime),
                         [this, group, name, outcome] { told(group, name, outcome); });
    };
    scene_.world.after(kPatience, [answer] { answer(fail(Errc::kTimeout)); });
    node.produce(group, name, 1 + static_cast<int>(scene_.world.rng().below(4)), answer);
  });
}

void SimClient::told(GroupNumber group, BatchName name, const Result<Offset>& outcome) {
  if (outcome) {
    ++acknowledged_;
    last_ns_[static_cast<std::size_t>(group)] = scene_.world.now_ns();
    for (auto& invariant : scene_.invariants) invariant->acknowledged(group, name, *outcome);
  } else {
    leader_guess_[static_cast<std::size_t>(group)] = scene_.world.rng().below(nodes_.size());
    if (outcome.error().outcome() == Outcome::kMaybeDone) {
      probe(Probe::kAppendOutcomeUnknown);
    } else {
      for (auto& invariant : scene_.invariants) invariant->refused(group, name);
    }
  }
  send_next();
}

}  // namespace penstock::sim
