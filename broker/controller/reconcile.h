// The next single step that brings a group's membership to where placement wants it.
//
// The leader of a group asks whenever something changed, carries the step out, and asks again:
// there is no plan to remember, so placement may change mid-way, and leaders may. The way is: new
// members learn -> they have caught up -> one joint change -> the old ones are gone. A leader that
// must go hands over first. Invariant: no step leaves fewer voters that are live and caught up than
// a majority of those that placement wants. Pure functions; the same for partitions and for the
// controller's own group.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/types.h"
#include "broker/controller/metadata_record.h"
#include "broker/raft/group.h"
#include "broker/raft/types.h"

namespace penstock::broker {

// Whether a leader that may stay hands over to the head of the list all the same.
enum class LeadershipWish : std::uint8_t { kStay, kMoveToHead };

// A group as its leader sees it.
struct LedGroup {
  raft::NodeId self;
  ReplicaList wanted;                // the voters; the first should lead
  ReplicaList wanted_learners = {};  // who follows without a vote
  ReplicaList must_not_lead = {};    // brokers that drain
  LeadershipWish wish = LeadershipWish::kStay;
  raft::Membership membership = {};  // latest in the log
  bool membership_is_committed = true;
  Offset log_end = {};
  std::vector<raft::PeerStatus> peers = {};
  std::int64_t now_ms = 0;
  // A peer that was heard within that time is live.
  std::int64_t live_within_ms = 0;
  // A peer that is at most that many records behind has caught up.
  std::int64_t max_lag = 0;
};

struct StayAsItIs {
  friend bool operator==(const StayAsItIs&, const StayAsItIs&) = default;
};
// Something must happen first: ask again.
struct WaitFor {
  friend bool operator==(const WaitFor&, const WaitFor&) = default;
};
struct ChangeMembership {
  std::vector<raft::NodeId> voters;    // sorted
  std::vector<raft::NodeId> learners;  // sorted
  friend bool operator==(const ChangeMembership&, const ChangeMembership&) = default;
};
struct TransferLeadership {
  raft::NodeId to;
  friend bool operator==(const TransferLeadership&, const TransferLeadership&) = default;
};

struct Step {
  std::variant<StayAsItIs, WaitFor, ChangeMembership, TransferLeadership> action;
  std::string why;  // for status: "waits for 4 to catch up: 12000 records behind"
};

Step next_step(const LedGroup& group);

}  // namespace penstock::broker
