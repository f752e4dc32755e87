#include "tests/sim/life.h"

#include <algorithm>
#include <memory>

#include "tests/sim/client.h"
#include "tests/sim/reader.h"
#include "tests/sim/trouble.h"

namespace penstock::sim {
namespace {

// Longer than any election with everything healed, a slow disk included.
constexpr std::int64_t kRecoveryTime = 20 * kSecond;
constexpr std::int64_t kDrainTime = 10 * kSecond;

class Cluster {
 public:
  explicit Cluster(const LifeOptions& options)
      : options_(options),
        world_(options.seed),
        weather_(Weather::draw(world_.rng())),
        network_(world_, weather_,
                 [this](GroupNumber group, const broker::PeerMessage& message) {
                   // Who is gone for good hears nothing.
                   if (Node* to = node(message.envelope.to)) to->receive(group, message);
                 }),
        invariants_(all_invariants(violations_)),
        scene_{world_, weather_, network_, invariants_, violations_},
        groups_(1 + static_cast<int>(world_.rng().below(3))),
        reader_(scene_, nodes_, groups_),
        trouble_(scene_, nodes_, groups_) {
    world_.set_tracing(options.trace);
    world_.note("weather " + weather_.to_string());
    found();
  }

  LifeReport live() {
    for (auto& node : nodes_) node->start();
    for (auto& client : clients_) client->start();
    reader_.start();
    trouble_.start();
    run(static_cast<std::int64_t>(options_.seconds * static_cast<double>(kSecond)));
    heal();
    return report();
  }

 private:
  // Three or five nodes; every group begins with three of them or all.
  void found() {
    const int count = world_.rng().one_in(2) ? 3 : 5;
    std::vector<raft::Membership> first;
    for (GroupNumber group = 0; group < groups_; ++group) {
      raft::Membership membership;
      const int voters = world_.rng().one_in(2) ? count : 3;
      for (int i = 0; i < voters; ++i) membership.voters.emplace_back(i + 1);
      first.push_back(std::move(membership));
    }
    for (int i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<Node>(scene_, raft::NodeId(i + 1), first));
    }
    for (int i = 0; i < 2; ++i) {
      clients_.push_back(std::make_unique<SimClient>(scene_, i, nodes_, groups_));
    }
  }

  Node* node(raft::NodeId id) {
    const auto found = std::ranges::find(nodes_, id, [](const auto& node) { return node->id(); });
    return found == nodes_.end() ? nullptr : found->get();
  }

  void run(std::int64_t for_ns) {
    for (std::int64_t left = for_ns; left > 0 && violations_.none(); left -= kSecond) {
      world_.run_until(world_.now_ns() + std::min(left, kSecond));
      if (world_.is_spinning()) violations_.add("no-spin", "at " + all_states());
    }
  }

  // Liveness: with everything healed, every group takes records again, and all its members come to
  // hold the same.
  void heal() {
    if (!violations_.none()) return;
    trouble_.stop();
    run(kRecoveryTime / 2);
    const std::int64_t healed_ns = world_.now_ns();
    run(kRecoveryTime / 2);
    for (GroupNumber group = 0; group < groups_; ++group) {
      const bool works = std::ranges::any_of(clients_, [&](const auto& client) {
        return client->last_acknowledged_ns(group) >= healed_ns;
      });
      if (!works)
        violations_.add("liveness",
                        "group " + std::to_string(group) + " takes no records: " + states(group));
    }
    if (trouble_.is_mourning()) violations_.add("liveness", "a lost node is not replaced");
    for (auto& client : clients_) client->stop();
    reader_.stop();
    run(kDrainTime);
    if (!violations_.none()) return;
    for (GroupNumber group = 0; group < groups_; ++group) check_level(group);
    for (auto& invariant : invariants_) invariant->ended();
  }

  void check_level(GroupNumber group) {
    const auto leader = std::ranges::find_if(nodes_, [&](const auto& node) {
      const auto* replica = node->replica(group);
      return replica != nullptr && replica->role() == raft::Role::kLeader && replica->is_ready();
    });
    if (leader == nodes_.end()) {
      return violations_.add("liveness",
                             "group " + std::to_string(group) + " has no leader: " + states(group));
    }
    broker::Replica& first = *(*leader)->replica(group);
    std::vector<ReplicaView> whole;
    for (const raft::NodeId member : first.group().membership().everyone()) {
      Node* const other = node(member);
      broker::Replica* const replica = other == nullptr ? nullptr : other->replica(group);
      if (replica == nullptr || replica->committed() != first.log_end()) {
        if (other != nullptr && !other->is_intact()) continue;  // what is damaged may lag
        violations_.add("liveness",
                        "group " + std::to_string(group) + " is not level: " + states(group));
      } else if (other->is_intact()) {
        whole.push_back({member, group, *replica});
      }
    }
    for (auto& invariant : invariants_) invariant->rested(whole);
  }

  std::string states(GroupNumber group) {
    std::string text;
    for (auto& node : nodes_) {
      auto* replica = node->replica(group);
      text += (text.empty() ? "" : "; ") +
              (replica == nullptr ? to_string(node->id()) + " down" : replica->group().describe());
    }
    return text;
  }

  std::string all_states() {
    std::string text;
    for (GroupNumber group = 0; group < groups_; ++group) text += states(group) + "\n";
    return text;
  }

  LifeReport report() {
    LifeReport report{.violations = violations_.all(),
                      .weather = weather_.to_string(),
                      .trace_hash = world_.trace_hash(),
                      .events = world_.events()};
    for (const auto& client : clients_) report.acknowledged += client->acknowledged();
    report.virtual_s = static_cast<double>(world_.now_ns()) / static_cast<double>(kSecond);
    return report;
  }

  const LifeOptions options_;
  World world_;
  const Weather weather_;
  Violations violations_;
  Network network_;
  std::vector<std::unique_ptr<Invariant>> invariants_;
  Scene scene_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  const int groups_;
  SimReader reader_;
  Trouble trouble_;
};

}  // namespace

LifeReport live(const LifeOptions& options) { return Cluster(options).live(); }

}  // namespace penstock::sim
