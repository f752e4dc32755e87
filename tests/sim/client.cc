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

SimClient::SimClient(Scene& scene, std::int64_t id, std::vector<std::unique_ptr<Node>>& nodes)
    : scene_(scene), id_(id), nodes_(nodes) {}

std::int64_t SimClient::last_acknowledged_ns(GroupNumber group) const {
  const auto found = last_ns_.find(group);
  return found == last_ns_.end() ? -1 : found->second;
}

void SimClient::start() { send_next(); }

void SimClient::send_next() {
  scene_.world.after(scene_.world.around(kBetweenRequests), [this] {
    if (stopped_) return;
    const std::vector<GroupNumber>& groups = scene_.groups.in_use();
    if (groups.empty()) return send_next();
    const GroupNumber group = groups[scene_.world.rng().below(groups.size())];
    const BatchName name{id_, ++number_};
    for (auto& invariant : scene_.invariants) invariant->requested(group, name);
    attempt(group, name);
  });
}

void SimClient::attempt(GroupNumber group, BatchName name) {
  scene_.world.after(scene_.world.around(kRequestTime), [this, group, name] {
    Node& node = *nodes_[leader_guess_[group]];
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
    last_ns_[group] = scene_.world.now_ns();
    for (auto& invariant : scene_.invariants) invariant->acknowledged(group, name, *outcome);
  } else {
    leader_guess_[group] = guess_after(leader_guess_[group]);
    if (outcome.error().outcome() == Outcome::kMaybeDone) {
      probe(Probe::kAppendOutcomeUnknown);
    } else {
      for (auto& invariant : scene_.invariants) invariant->refused(group, name);
    }
  }
  send_next();
}

// At random finds brokers that lead nothing, which is wanted in trouble; but it may miss the leader
// for so long that a group that works is taken for one that does not.
std::size_t SimClient::guess_after(std::size_t refused) {
  return healed_ ? (refused + 1) % nodes_.size() : scene_.world.rng().below(nodes_.size());
}

}  // namespace penstock::sim
