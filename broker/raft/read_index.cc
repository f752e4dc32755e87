#include "broker/raft/read_index.h"

#include "base/mutant.h"
#include "broker/raft/limits.h"
#include "broker/raft/quorum.h"
#include "broker/raft/replication.h"

namespace penstock::raft {
namespace {

bool is_round_confirmed(const Core& core, std::uint64_t round) {
  if (mutant(Mutant::kReadsWithoutRound)) return true;
  return decides(core.log.membership(), [&](NodeId node) {
    if (node == core.self) return true;
    const auto peer = core.lead->peers.find(node);
    return peer != core.lead->peers.end() && peer->second.round_heard() >= round;
  });
}

}  // namespace

Status read_index(Core& core, std::uint64_t context) {
  if (!core.is_leading()) return fail(Errc::kNotLeader);
  if (!core.is_ready()) return fail(Errc::kNotReady);
  Leadership& lead = *core.lead;
  if (lead.reads.size() >= kMaxPendingReads) return fail(Errc::kOverloaded);
  const bool is_round_out = !lead.reads.empty() && lead.reads.front().round <= lead.broadcast_round;
  lead.reads.push_back({context, lead.round + 1, core.committed});
  if (!is_round_out) broadcast_heartbeat(core);
  confirm_reads(core);  // nobody else need be asked when this node decides alone
  return {};
}

void confirm_reads(Core& core) {
  Leadership& lead = *core.lead;
  bool any = false;
  while (!lead.reads.empty() &&
         (lead.reads.front().round <= lead.round || mutant(Mutant::kReadsWithoutRound)) &&
         is_round_confirmed(core, lead.reads.front().round)) {
    core.output.reads_ready.push_back({lead.reads.front().context, lead.reads.front().committed});
    lead.reads.pop_front();
    any = true;
  }
  if (any && !lead.reads.empty() && lead.reads.front().round > lead.broadcast_round) {
    broadcast_heartbeat(core);
  }
}

}  // namespace penstock::raft
