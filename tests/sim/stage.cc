#include "tests/sim/stage.h"

#include <algorithm>

namespace penstock::sim {
namespace {

constexpr std::int64_t kDrainTime = 10 * kSecond;

Weather weather_of(const LifeOptions& options, Rng& rng) {
  const Weather weather = Weather::draw(rng);
  return options.kind == Kind::kGroups ? weather : weather.administered();
}

}  // namespace

Stage::Stage(const LifeOptions& options)
    : options_(options),
      world_(options.seed),
      weather_(weather_of(options, world_.rng())),
      network_(world_, weather_,
               [this](GroupNumber group, const broker::PeerMessage& message) {
                 // Who is gone for good hears nothing.
                 if (Node* to = node(message.envelope.to)) to->receive(group, message);
               }),
      invariants_(all_invariants(violations_, groups_)),
      scene_{world_, weather_, network_, invariants_, violations_, groups_},
      reader_(scene_, nodes_),
      trouble_(scene_, nodes_) {
  world_.set_tracing(options.trace);
  world_.note("weather " + weather_.to_string());
}

LifeReport Stage::live() {
  for (auto& node : nodes_) node->start();
  for (auto& client : clients_) client->start();
  reader_.start();
  trouble_.start();
  start();
  run(static_cast<std::int64_t>(options_.seconds * static_cast<double>(kSecond)));
  if (violations_.none()) {
    trouble_.stop();
    stop();
    for (auto& client : clients_) client->healed();
    heal();
  }
  LifeReport report{.violations = violations_.all(),
                    .weather = weather_.to_string(),
                    .trace_hash = world_.trace_hash(),
                    .events = world_.events()};
  for (const auto& client : clients_) report.acknowledged += client->acknowledged();
  report.virtual_s = static_cast<double>(world_.now_ns()) / static_cast<double>(kSecond);
  return report;
}

Node* Stage::node(raft::NodeId id) {
  const auto found = std::ranges::find(nodes_, id, [](const auto& node) { return node->id(); });
  return found == nodes_.end() ? nullptr : found->get();
}

void Stage::run(std::int64_t for_ns) {
  for (std::int64_t left = for_ns; left > 0 && violations_.none(); left -= kSecond) {
    world_.run_until(world_.now_ns() + std::min(left, kSecond));
    if (!world_.is_spinning()) continue;
    std::string all;
    for (GroupNumber group = 0; group < groups_.count(); ++group) all += states(group) + "\n";
    violations_.add("no-spin", "at " + all);
  }
}

void Stage::add_clients(int count) {
  for (int i = 0; i < count; ++i) {
    clients_.push_back(std::make_unique<SimClient>(scene_, i, nodes_));
  }
}

void Stage::check_working(const std::vector<GroupNumber>& groups, std::int64_t since_ns) {
  for (const GroupNumber group : groups) {
    const bool works = std::ranges::any_of(clients_, [&](const auto& client) {
      return client->last_acknowledged_ns(group) >= since_ns;
    });
    if (works) continue;
    violations_.add("liveness",
                    "group " + std::to_string(group) + " takes no records: " + states(group));
  }
}

void Stage::come_to_rest() {
  for (auto& client : clients_) client->stop();
  reader_.stop();
  run(kDrainTime);
}

Node* Stage::leader_of(GroupNumber group) {
  const auto leader = std::ranges::find_if(nodes_, [&](const auto& node) {
    const auto* replica = node->replica(group);
    return replica != nullptr && replica->role() == raft::Role::kLeader && replica->is_ready();
  });
  return leader == nodes_.end() ? nullptr : leader->get();
}

Node* Stage::check_level(GroupNumber group) {
  Node* const leader = leader_of(group);
  if (leader == nullptr) {
    violations_.add("liveness",
                    "group " + std::to_string(group) + " has no leader: " + states(group));
    return nullptr;
  }
  broker::Replica& first = *leader->replica(group);
  const bool is_metadata = groups_.name_of(group) == TopicPartition{};
  std::vector<ReplicaView> whole;
  for (const raft::NodeId member : first.group().membership().everyone()) {
    Node* const other = node(member);
    // A broker that never heard of its number learns nothing; it has no vote either.
    const bool is_untold = other == nullptr && !first.group().membership().is_voter(member);
    if (is_untold) continue;
    broker::Replica* const replica = other == nullptr ? nullptr : other->replica(group);
    if (replica == nullptr || replica->committed() != first.log_end()) {
      // What is damaged, and knows it, may lag.
      const bool may_lag =
          other != nullptr && !other->is_intact() && (replica == nullptr || replica->is_damaged());
      if (may_lag) continue;
      violations_.add("liveness",
                      "group " + std::to_string(group) + " is not level: " + states(group));
    } else if (other->is_intact()) {
      whole.push_back({member, group, *replica, nullptr, true, is_metadata});
    }
  }
  for (auto& invariant : invariants_) invariant->rested(whole);
  return leader;
}

std::string Stage::states(GroupNumber group) {
  std::string text;
  for (auto& node : nodes_) {
    auto* replica = node->replica(group);
    text += (text.empty() ? "" : "; ") +
            (replica == nullptr ? to_string(node->id()) + (node->is_up() ? " has none" : " down")
                                : replica->group().describe());
  }
  return text;
}

}  // namespace penstock::sim
