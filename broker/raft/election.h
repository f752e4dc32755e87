// How a leader is found: pre-vote, vote, and who is refused.
//
// A node asks first whether it would win (pre-vote, which changes nothing anywhere) and raises its
// term only then; a node that hears its leader ignores both questions unless the leader itself
// asked for the election. Together with a leader that steps down when it hears no majority, neither
// a removed nor a cut-off node disturbs the others, and no leader is stuck without a majority.
#pragma once

#include "broker/raft/core.h"

namespace penstock::raft {

// May this node become leader, if it got the votes?
bool may_campaign(const Core& core);
bool is_sole_voter(const Core& core);

// The election timer: asks for votes, or (who may not) forgets the leader.
void election_tick(Core& core);
std::int64_t election_deadline_ms(const Core& core);

void ask_for_pre_votes(Core& core);

enum class Cause : std::uint8_t { kPreVotesWon, kTransfer };
void ask_for_votes(Core& core, Cause cause);

void handle(Core& core, NodeId from, const VoteRequest& request);
void handle(Core& core, NodeId from, const VoteReply& reply);
// Term and vote of `core.saved` are on the disk: the own vote counts now.
void own_vote_saved(Core& core);

}  // namespace penstock::raft
