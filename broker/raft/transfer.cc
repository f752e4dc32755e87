#include "broker/raft/transfer.h"

#include <algorithm>

#include "base/mutant.h"
#include "broker/raft/election.h"

namespace penstock::raft {
namespace {

bool has_everything(const Core& core, NodeId node) {
  if (mutant(Mutant::kTransfersTooEarly)) return true;
  const auto peer = core.lead->peers.find(node);
  return peer != core.lead->peers.end() && peer->second.durable() == core.log.end();
}

}  // namespace

Status transfer_leadership(Core& core, NodeId to) {
  if (!core.is_leading()) return fail(Errc::kNotLeader);
  if (!std::ranges::binary_search(core.log.membership().voters, to)) {
    return fail(Errc::kInvalidArgument, to_string(to) + " is no voter");
  }
  if (to == core.self) return {};
  if (!core.is_ready() || core.lead->transfer) return fail(Errc::kNotReady);
  core.lead->transfer = Transfer{to, core.now_ms + core.options.election_timeout_ms};
  advance_transfer(core);
  return {};
}

void advance_transfer(Core& core) {
  std::optional<Transfer>& transfer = core.lead->transfer;
  if (!transfer || transfer->asked || core.lead->control) return;
  if (!has_everything(core, transfer->to)) return;
  transfer->asked = true;
  core.send(transfer->to, TimeoutNow{core.hard.term});
}

void transfer_tick(Core& core) {
  std::optional<Transfer>& transfer = core.lead->transfer;
  if (!transfer) return;
  if (core.now_ms >= transfer->give_up_ms || !core.lead->peers.contains(transfer->to)) {
    transfer.reset();
    return;
  }
  advance_transfer(core);
}

void hand_over(Core& core) {
  for (NodeId node : core.log.membership().voters) {
    if (!has_everything(core, node)) continue;
    core.send(node, TimeoutNow{core.hard.term});
    return;
  }
}

void handle(Core& core, NodeId from, const TimeoutNow& message) {
  if (message.term < core.hard.term) return;
  if (message.term > core.hard.term) core.become_follower(message.term, from);
  const bool is_from_leader = core.role == Role::kFollower && core.leader == from;
  if (is_from_leader && may_campaign(core)) ask_for_votes(core, Cause::kTransfer);
}

}  // namespace penstock::raft
