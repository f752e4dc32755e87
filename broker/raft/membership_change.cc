#include "broker/raft/membership_change.h"

#include <algorithm>
#include <utility>

#include "broker/raft/replication.h"
#include "broker/raft/transfer.h"
#include "broker/raft/validity.h"

namespace penstock::raft {
namespace {

// Catches up, is heard from, and does not lag: otherwise it would hold up every commit to come. It
// has the latest membership, too: who knows no member of the group gives no vote, and with such a
// voter a group could be left without a majority that elects.
bool keeps_up(const Core& core, NodeId node) {
  const auto peer = core.lead->peers.find(node);
  if (peer == core.lead->peers.end()) return false;
  return peer->second.mode() == Progress::Mode::kReplicate &&
         core.now_ms - peer->second.last_heard_ms() <= core.options.election_timeout_ms &&
         core.log.end() - peer->second.durable() <= core.options.max_promotion_lag &&
         peer->second.durable() >= core.log.membership_end();
}

}  // namespace

bool is_membership_committed(const Core& core) {
  return core.log.membership_end() <= core.committed;
}

Status change_membership(Core& core, std::vector<NodeId> voters, std::vector<NodeId> learners) {
  if (!core.is_leading()) return fail(Errc::kNotLeader);
  std::ranges::sort(voters);
  std::ranges::sort(learners);
  Membership wanted{std::move(voters), {}, std::move(learners)};
  if (wanted.voters.empty()) return fail(Errc::kInvalidArgument, "a group needs a voter");
  if (!is_sensible(wanted)) {
    return fail(Errc::kInvalidArgument, "not a membership: " + to_string(wanted));
  }
  if (!core.is_ready() || core.lead->transfer) return fail(Errc::kNotReady);
  const Membership& now = core.log.membership();
  if (core.lead->control || now.is_joint() || !is_membership_committed(core)) {
    return fail(Errc::kChangeInProgress);
  }
  if (wanted == now) return {};
  if (wanted.voters != now.voters) wanted.outgoing = now.voters;
  if (!is_sensible(wanted)) return fail(Errc::kInvalidArgument, "too many members at once");
  for (NodeId node : wanted.voters) {
    if (!now.is_voter(node) && !keeps_up(core, node)) {
      return fail(Errc::kNotCaughtUp, to_string(node) + " must first be a learner that keeps up");
    }
  }
  request_control(core, std::move(wanted));
  return {};
}

void membership_committed(Core& core) {
  if (!core.is_ready() || core.lead->control || !is_membership_committed(core)) return;
  const Membership& now = core.log.membership();
  if (now.is_joint()) {
    request_control(core, Membership{now.voters, {}, now.learners});
  } else if (!now.is_voter(core.self)) {
    serve_everyone(core);  // tells them what was committed
    hand_over(core);
    core.become_follower(core.hard.term, kNobody);
  }
}

}  // namespace penstock::raft
