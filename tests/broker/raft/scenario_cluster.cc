#include "tests/broker/raft/scenario_cluster.h"

#include <algorithm>

namespace penstock::raft {
namespace {

// Rounds after which a cluster that is still busy will never come to rest.
constexpr int kMaxRounds = 2'000;
constexpr std::int64_t kStepMs = 10;

}  // namespace

void ScenarioCluster::add(NodeId id, HardState hard_state, LogImage log) {
  for (const ScenarioBatch& batch : log.batches) safety_.written(id, batch);
  const auto [added, is_new] =
      nodes_.try_emplace(id, id, options_, hard_state, std::move(log), stage_);
  if (!is_new) return trace_.failure(to_string(id) + " exists");
  added->second.start();
}

ScenarioNode* ScenarioCluster::find(NodeId id) {
  const auto found = nodes_.find(id);
  if (found != nodes_.end()) return &found->second;
  trace_.failure("there is no " + to_string(id));
  return nullptr;
}

ScenarioNode* ScenarioCluster::find_up(NodeId id) {
  ScenarioNode* const node = find(id);
  if (node == nullptr || node->is_up()) return node;
  trace_.failure(to_string(id) + " is down");
  return nullptr;
}

std::vector<NodeId> ScenarioCluster::everybody() const {
  std::vector<NodeId> ids;
  for (const auto& [id, node] : nodes_) ids.push_back(id);
  return ids;
}

bool ScenarioCluster::deliver(const ParcelFilter& filter) {
  const std::vector<Parcel> parcels = network_.take(filter);
  for (const Parcel& parcel : parcels) {
    trace_.message(to_string(parcel.envelope.from) + " => " + to_string(parcel.envelope.to) + " " +
                   to_string(parcel.envelope.message));
    trace_.set_indent("  ");
    arrive(parcel);
    trace_.set_indent("");
  }
  return !parcels.empty();
}

void ScenarioCluster::arrive(const Parcel& parcel) {
  const Envelope& envelope = parcel.envelope;
  const auto receiver = nodes_.find(envelope.to);
  if (network_.is_cut(envelope.from, envelope.to)) {
    trace_.message("lost: the link is cut");
  } else if (receiver == nodes_.end() || !receiver->second.is_up()) {
    trace_.message("lost: " + to_string(envelope.to) + " is down");
  } else {
    receiver->second.deliver(parcel);
  }
}

bool ScenarioCluster::move_disks(const std::set<NodeId>& among) {
  bool moved = false;
  for (auto& [id, node] : nodes_) {
    if (!node.is_up() || (!among.empty() && !among.contains(id))) continue;
    if (node.has_something_to_save()) {
      node.save();
      moved = true;
    }
    if (node.has_something_to_flush() && !node.group().is_faulty()) {
      node.flush(std::nullopt);
      moved = true;
    }
  }
  return moved;
}

bool ScenarioCluster::move_messages(const std::set<NodeId>& among) {
  const std::vector<Parcel> parcels = network_.take_free(among);
  for (const Parcel& parcel : parcels) arrive(parcel);
  return !parcels.empty();
}

void ScenarioCluster::stabilize(const std::set<NodeId>& among) {
  for (int round = 0; round < kMaxRounds; ++round) {
    const bool disks_moved = move_disks(among);
    if (!move_messages(among) && !disks_moved) return;
  }
  trace_.failure("the cluster does not come to rest");
}

void ScenarioCluster::run(std::int64_t ms) {
  for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
    for (auto& [id, node] : nodes_) {
      if (node.is_up()) node.pass_and_tick_when_due(std::min(kStepMs, ms - passed));
    }
    stabilize({});
  }
}

void ScenarioCluster::elect(NodeId id) {
  ScenarioNode* const candidate = find_up(id);
  if (candidate == nullptr) return;
  for (auto& [other, node] : nodes_) {
    if (node.is_up() && node.group().role() != Role::kLeader) {
      node.pass(options_.election_timeout_ms);
    }
  }
  candidate->ask([](Group& group, std::int64_t now) { group.campaign(now); });
  stabilize({});
  if (candidate->group().role() != Role::kLeader) {
    trace_.failure(to_string(id) + " is not elected");
  }
}

std::vector<NodeId> ScenarioCluster::leaders_of_latest_term() const {
  Term latest = kFirstTerm;
  std::vector<NodeId> leaders;
  for (const auto& [id, node] : nodes_) {
    if (!node.is_up() || node.group().role() != Role::kLeader) continue;
    if (node.group().term() > latest) leaders.clear();
    latest = std::max(latest, node.group().term());
    if (node.group().term() == latest) leaders.push_back(id);
  }
  return leaders;
}

bool ScenarioCluster::same_logs(const std::vector<NodeId>& ids) const {
  const auto log_of = [this](NodeId id) -> const LogImage& { return nodes_.at(id).log(); };
  return std::ranges::all_of(ids, [&](NodeId id) {
    const LogImage& first = log_of(ids.front());
    return log_of(id).end() == first.end() && common_end(log_of(id), first) == first.end();
  });
}

}  // namespace penstock::raft
