// Probes: rare situations that the simulator must reach, or it proves less than it seems to.
//
// A probe is hit or not, over all lives of a run; the figure says how many of how many were.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace penstock::sim {

#define PENSTOCK_SIM_PROBES(X)                                                                   \
  X(LeaderElected)                                                                               \
  X(LeaderReplaced)                                                                              \
  X(VotesSplit) X(TailTruncated) X(FollowerReset) X(ColdRead) X(CrashInDiskCall) X(UnsyncedLost) \
      X(DiskFullAtLeader) X(DiskFullAtFollower) X(FlushSlowerThanElection) X(MembershipJoint)    \
          X(MembershipFinal) X(LeaderRemoved) X(LearnerPromoted) X(LeadershipTransferred)        \
              X(RecordsDeleted) X(MessageDuplicated) X(MinorityLeader) X(AllCrashed)             \
                  X(DamageFound) X(AppendOutcomeUnknown) X(AppendLost) X(ReadIndexConfirmed)     \
                      X(NodePaused)

enum class Probe : std::uint8_t {
#define PENSTOCK_SIM_PROBE(name) k##name,
  PENSTOCK_SIM_PROBES(PENSTOCK_SIM_PROBE)
#undef PENSTOCK_SIM_PROBE
      kCount
};

void probe(Probe which);
std::uint64_t hits(Probe which);
std::string_view name(Probe which);
std::vector<std::string_view> missed_probes();

}  // namespace penstock::sim
