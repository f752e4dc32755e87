// What the nodes of a group say to each other. The group is named by the envelope of the shell.
//
// Messages are values: no bytes of batches, which travel beside an AppendRequest and are matched to
// it by its range. Invariant: a node acts on a message only after it compared terms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "broker/raft/types.h"

namespace penstock::raft {

enum class Ballot : std::uint8_t {
  kPreVote,  // "would you vote for me?": changes nothing at the receiver
  kVote,
};

struct VoteRequest {
  Ballot ballot = Ballot::kVote;
  Term term;              // that the candidate has, or would have (pre-vote)
  LogPoint log;           // end of the candidate's log
  bool transfer = false;  // the leader asked for this election: leases do not stand against it
  friend bool operator==(const VoteRequest&, const VoteRequest&) = default;
};

struct VoteReply {
  Ballot ballot = Ballot::kVote;
  Term term;  // granted: the request's; refused: the voter's own
  bool granted = false;
  friend bool operator==(const VoteReply&, const VoteReply&) = default;
};

// Also the heartbeat, when the range is empty.
struct AppendRequest {
  Term term;
  LogPoint previous;  // what must be in the receiver's log; range.begin == previous.end
  EntryRange range;
  Offset commit;            // the leader's
  std::uint64_t round = 0;  // of heartbeats; comes back in the reply
  friend bool operator==(const AppendRequest&, const AppendRequest&) = default;
};

struct AppendReply {
  Term term;
  bool accepted = false;
  std::uint64_t round = 0;
  // accepted: everything below is on the follower's disk and equal to the leader's log.
  Offset durable_end;
  // refused: the leader should try at or below this point (the last one of the follower's log that
  // is not behind the refused point and whose term is not above that point's).
  LogPoint hint;
  friend bool operator==(const AppendReply&, const AppendReply&) = default;
};

// For a follower that needs what the leader's log no longer holds: forget your log, begin at
// `start`. The shell attaches the state that belongs to that point, and hands the message to the
// receiver's core only after that state is on its disk.
struct InstallRequest {
  Term term;
  LogPoint start;
  Membership membership;  // in effect at `start`
  friend bool operator==(const InstallRequest&, const InstallRequest&) = default;
};

struct InstallReply {
  Term term;
  LogPoint start;  // that is on the follower's disk now
  friend bool operator==(const InstallReply&, const InstallReply&) = default;
};

// Sent by a leader to the one who shall succeed it.
struct TimeoutNow {
  Term term;
  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};

using Message = std::variant<VoteRequest, VoteReply, AppendRequest, AppendReply, InstallRequest,
                             InstallReply, TimeoutNow>;

struct Envelope {
  NodeId from;
  NodeId to;
  Message message;
  friend bool operator==(const Envelope&, const Envelope&) = default;
};

Term term_of(const Message& message);
// "append t3 prev=(t2, 10) [10, 14) commit=9 round=4": for traces and scenario scripts.
std::string to_string(const Message& message);

}  // namespace penstock::raft
