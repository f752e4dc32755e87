// Mutant: bugs that other systems shipped, to be built in one at a time, so that a test of the
// simulator can see that it finds each of them (tests/sim/mutants.py).
//
// Invariants: a build that asks for none has none: mutant() is the constant false, and costs
// nothing. PENSTOCK_MUTANT=n builds in the n-th; -1 builds in all of them and leaves the choice to
// awake_mutant, so that one build serves a sweep. Threads: awake_mutant is set before others start.
#pragma once

#ifndef PENSTOCK_MUTANT
#define PENSTOCK_MUTANT 0
#endif

namespace penstock {

enum class Mutant : int {
  kNone = 0,
  // --- commitment
  kCountsItselfUnflushed = 1,   // a leader counts what its own disk does not have yet
  kCommitsByLess = 2,           // one disk less than a majority is enough
  kCommitsOlderTerms = 3,       // records of older terms are committed by counting
  kLearnersCount = 4,           // learners are part of the majority
  kJointNeedsOneMajority = 5,   // while joint, the new majority decides alone
  kCommitsBeyondAgreement = 6,  // a follower takes the leader's commit point for its own tail
  kReadyBeforeOpening = 7,      // "elected" is taken for "caught up"
  kReadsWithoutRound = 8,       // a leader believes that it still leads
  // --- elections
  kElectedByLess = 9,         // one vote less than a majority is enough
  kSpeaksBeforeSaved = 10,    // votes and terms are told before they are on disk
  kVotesForShorterLogs = 11,  // a candidate's log is not looked at
  kVotesTwice = 12,           // a second candidate of a term gets a vote as well
  kVotesDespiteDamage = 13,   // a node that lost records measures others by what is left
  kNoPreVote = 14,            // whoever is cut off raises its term again and again
  kTransfersTooEarly = 15,    // the successor is asked before it has the whole log
  // --- the follower's log
  kKeepsConflictingTail = 16,     // a tail that differs is taken for a log that is longer
  kAcknowledgesUnknownTail = 17,  // durable, but not known to equal the leader's log
  kOldFlushesCount = 18,          // a flush of what was cut since counts, in log and group
  kMembershipOutlivesCut = 19,    // a membership stays when its batch is truncated
  kResetKeepsTerms = 20,          // a log that begins anew keeps the terms of the old one
  kFollowsOlderTerms = 21,        // an append or install of a deposed leader is obeyed
  kTruncatesByWatermark = 22,     // a restart cuts the log at what was known to be committed
  kTrustsPeers = 23,              // batches of a peer are stored without looking at checksums
  // --- disks
  kFlushSkipsData = 24,        // an fsync that is none
  kFlushSkipsFolder = 25,      // a new segment's name is not made durable
  kVotesUnflushed = 26,        // the vote journal is written and not flushed
  kStateAfterLog = 27,         // a membership enters the log before the side file
  kStartBeyondCommitted = 28,  // records go that no majority has
  // --- the cluster's metadata
  kAppliesUncommitted = 29,  // the controller's state runs ahead of what a majority has
  kAbsenceDeletes = 30,      // a copy that metadata does not know goes to trash
  kRetiresUnasked = 31,      // a copy goes to trash while its group still counts on it
  kFinishesDrainEarly = 32,  // a broker is called empty while groups count on it
  kReturnsAsFounder = 33,    // who left and came back begins a log anew, its votes forgotten
  kEnd,
};

#if PENSTOCK_MUTANT < 0
inline Mutant awake_mutant = Mutant::kNone;
inline bool mutant(Mutant which) { return which == awake_mutant; }
#else
constexpr bool mutant(Mutant which) {
  return PENSTOCK_MUTANT != 0 && which == static_cast<Mutant>(PENSTOCK_MUTANT);
}
#endif

}  // namespace penstock
