// Probes: rare situations that the simulator must reach, or it proves less than it seems to.
//
// A probe is hit or not, over all lives of a run; the figure says how many of how many were.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace penstock::sim {

// clang-format off
#define PENSTOCK_SIM_PROBES(X)                                                           \
  /* elections */                                                                        \
  X(LeaderElected) X(LeaderReplaced) X(LeaderCrashed) X(LeadershipTransferred)           \
  X(RivalCandidates) X(TermWithoutLeader) X(MinorityLeader)                              \
  /* logs */                                                                             \
  X(TailTruncated) X(FollowerReset) X(RecordsDeleted) X(UnsyncedLost) X(ColdRead)        \
  X(AppendLost) X(AppendOutcomeUnknown) X(ReadIndexConfirmed) X(BatchRepeated)           \
  X(ProducerGaveUp)                                                                      \
  /* disks */                                                                            \
  X(CrashInDiskCall) X(DiskFailed) X(DiskFullAtLeader) X(AppendRefusedByDisk)            \
  X(FlushSlowerThanElection) X(CutDuringFlush) X(DamageFound) X(LogShortened)            \
  X(DiskLost) X(LostDiskReplaced)                                                        \
  /* network, processes */                                                               \
  X(MessageDuplicated) X(BadBatchesRefused) X(AllCrashed) X(NodePaused)                  \
  /* members */                                                                          \
  X(MembershipJoint) X(MembershipFinal) X(LeaderRemoved) X(LearnerPromoted) X(SoleVoter) \
  /* consumer groups */                                                                  \
  X(CoordinatorChanged) X(MemberExpired) X(MemberTakenForDead) X(CommitRefused)          \
  X(CommitOutcomeUnknown) X(PartitionHandedOver)                                         \
  /* metadata */                                                                         \
  X(BrokerJoined) X(MetadataSnapshot) X(MetadataUnreadable) X(CommandOutcomeUnknown)     \
  X(TopicDeleted) X(FactorChanged) X(ReplicasMoved) X(DrainMove) X(DrainFinished)        \
  X(BrokerRemoved) X(CopyRetired) X(JoinedLater)
// clang-format on

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
