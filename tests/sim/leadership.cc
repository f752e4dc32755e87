#include "tests/sim/leadership.h"

#include <algorithm>

#include "broker/controller/rebalance.h"
#include "broker/controller/voters.h"
#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr std::int64_t kLiveWithin_ms = 2'000;
// A voter of the metadata that is not heard for that long is replaced.
constexpr std::int64_t kMissingAfter_ms = 8'000;
constexpr std::int64_t kMaxLag = 100;
constexpr std::size_t kMovesAtOnce = 2;

void ignore(const auto& /*outcome*/) {}

}  // namespace

bool Leadership::upkeep() {
  for (const GroupNumber group : node_.hosted()) {
    const broker::Replica* replica = node_.replica(group);
    if (replica == nullptr || replica->role() != raft::Role::kLeader || !replica->is_ready())
      continue;
    if (!(group == kMetadataGroup ? reconcile_metadata() : reconcile(group))) return false;
  }
  if (metadata_.is_controller()) empty_leaving();
  return node_.is_up();
}

broker::LedGroup Leadership::led(GroupNumber /*group*/, const broker::Replica& replica) const {
  broker::LedGroup led{.self = node_.id(), .wanted = {}};
  for (const auto& [id, broker] : metadata_.image()->brokers()) {
    if (!broker.is_active()) led.must_not_lead.push_back(id);
  }
  led.wish = broker::LeadershipWish::kMoveToHead;
  led.membership = replica.group().membership();
  led.membership_is_committed = replica.group().membership_is_committed();
  led.log_end = replica.log_end();
  led.peers = replica.group().peers();
  led.now_ms = node_.clock().steady_ns() / kMs;
  led.live_within_ms = kLiveWithin_ms;
  led.max_lag = kMaxLag;
  return led;
}

bool Leadership::take(GroupNumber group, const broker::LedGroup& led, bool& is_settled) {
  const broker::Step step = broker::next_step(led);
  is_settled = std::holds_alternative<broker::StayAsItIs>(step.action);
  if (const auto* change = std::get_if<broker::ChangeMembership>(&step.action)) {
    node_.change_membership(group, change->voters, change->learners);
  } else if (const auto* transfer = std::get_if<broker::TransferLeadership>(&step.action)) {
    node_.transfer(group, transfer->to);
  }
  return node_.is_up();
}

bool Leadership::reconcile(GroupNumber group) {
  const TopicPartition& id = scene_.groups.name_of(group);
  const broker::TopicPtr topic = metadata_.image()->find(id.topic);
  if (topic == nullptr) return true;
  const broker::PartitionImage& placed = topic->partition(id.partition);
  const broker::Replica& replica = *node_.replica(group);
  broker::LedGroup group_led = led(group, replica);
  group_led.wanted = placed.brokers();
  GroupReport report{.group = group,
                     .leader = node_.id(),
                     .term = replica.term(),
                     .number = ++reports_,
                     .membership = std::nullopt};
  bool is_settled = false;
  const raft::Membership before = group_led.membership;
  Led& since = led_[group];
  if (since.term != replica.term()) since = {replica.term(), group_led.now_ms};
  // Older metadata wants what others may have undone since.
  if (metadata_.is_current(since.since_ms) && !take(group, group_led, is_settled)) return false;
  broker::ReplicaList wanted = placed.brokers();
  std::ranges::sort(wanted);
  const bool has_reached = group_led.membership_is_committed && !before.is_joint() &&
                           before.voters == wanted && before.learners.empty();
  if (has_reached) report.membership = {placed.placed_at, before, true, group_led.log_end};
  tell_(report);
  return true;
}

// --- the controller

bool Leadership::reconcile_metadata() {
  const broker::Replica& replica = *node_.replica(kMetadataGroup);
  broker::LedGroup group_led = led(kMetadataGroup, replica);
  std::vector<broker::VoterCandidate> candidates;
  for (const auto& [id, broker] : metadata_.image()->brokers()) {
    const auto peer = std::ranges::find(group_led.peers, id, &raft::PeerStatus::node);
    const bool live =
        id == node_.id() || (peer != group_led.peers.end() &&
                             group_led.now_ms - peer->last_heard_ms <= kMissingAfter_ms);
    candidates.push_back({id, broker.rack, broker.is_active(), live});
  }
  if (candidates.empty()) return true;
  const broker::ControllerMembers members =
      broker::plan_voters(candidates, group_led.membership.voters);
  if (members.voters.empty()) return true;
  group_led.wanted = members.voters;
  group_led.wanted_learners = members.learners;
  group_led.wish = broker::LeadershipWish::kStay;
  bool is_settled = false;
  return take(kMetadataGroup, group_led, is_settled);
}

void Leadership::empty_leaving() {
  const broker::ImagePtr image = metadata_.image();
  for (const auto& [id, leaving] : image->brokers()) {
    if (!leaving.is_leaving()) continue;
    const auto moves =
        broker::plan_drain(*image, id, kMovesAtOnce, static_cast<std::uint64_t>(id.value()));
    if (!moves) continue;
    for (const broker::ReplicaMove& move : *moves) {
      probe(Probe::kDrainMove);
      metadata_.carry_out(broker::MoveReplicas{move.topic, move.partition, move.to, move.placed_at},
                          [](const auto& outcome) { ignore(outcome); });
      if (!node_.is_up()) return;
    }
    if (moves->empty() && broker::is_free(id, *image, copies_.reported())) {
      metadata_.carry_out(broker::FinishDrain{id, node_.clock().wall()}, [](const auto& outcome) {
        if (outcome) probe(Probe::kDrainFinished);
      });
      if (!node_.is_up()) return;
    }
  }
}

}  // namespace penstock::sim
