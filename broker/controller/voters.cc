#include "broker/controller/voters.h"

#include <algorithm>
#include <tuple>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

std::size_t voters_for(std::size_t brokers) {
  if (brokers >= kMaxMetadataVoters) return kMaxMetadataVoters;
  return brokers >= 3 ? 3 : std::min<std::size_t>(brokers, 1);
}

bool share_rack(const VoterCandidate& a, const VoterCandidate& b) {
  return a.id == b.id || (!a.rack.empty() && a.rack == b.rack);
}

}  // namespace

ControllerMembers plan_voters(const std::vector<VoterCandidate>& brokers,
                              const ReplicaList& voters_now) {
  std::vector<VoterCandidate> chosen;
  std::vector<VoterCandidate> rest = brokers;
  const auto cost = [&](const VoterCandidate& candidate) {
    const auto neighbours = std::ranges::count_if(
        chosen, [&](const VoterCandidate& one) { return share_rack(one, candidate); });
    return std::tuple(!candidate.active, !candidate.live, neighbours,
                      !contains(voters_now, candidate.id), candidate.id);
  };
  const auto active =
      static_cast<std::size_t>(std::ranges::count(brokers, true, &VoterCandidate::active));
  while (chosen.size() < voters_for(active)) {
    const auto best = std::ranges::min_element(rest, {}, cost);
    chosen.push_back(*best);
    rest.erase(best);
  }
  ControllerMembers members;
  for (const VoterCandidate& one : chosen) members.voters.push_back(one.id);
  for (const VoterCandidate& one : rest) members.learners.push_back(one.id);
  std::ranges::sort(members.voters);
  std::ranges::sort(members.learners);
  return members;
}

}  // namespace penstock::broker
