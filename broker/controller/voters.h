// Who votes in the controller's own group: a few brokers, over as many racks as there are; the
// others follow.
#pragma once

#include <string>
#include <vector>

#include "broker/controller/metadata_record.h"
#include "broker/raft/types.h"

namespace penstock::broker {

struct VoterCandidate {  // any broker that takes part in the cluster, draining ones too
  raft::NodeId id;
  std::string rack;    // empty: a rack of its own
  bool active = true;  // in active mode: only then it may vote
  bool live = false;   // not missing for so long that it should be replaced
};

struct ControllerMembers {
  ReplicaList voters;    // sorted
  ReplicaList learners;  // sorted: everybody else
  friend bool operator==(const ControllerMembers&, const ControllerMembers&) = default;
};

// One voter for one or two active brokers, three for three or four, five for more: an even number
// costs and brings nothing. Live ones before dead ones, then spread over racks, then the present
// voters. A dead voter is replaced only when somebody can replace it, and deaths do not make the
// group smaller. Stable: planning again with the result changes nothing.
ControllerMembers plan_voters(const std::vector<VoterCandidate>& brokers,
                              const ReplicaList& voters_now);

}  // namespace penstock::broker
