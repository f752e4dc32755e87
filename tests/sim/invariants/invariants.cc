#include "tests/sim/invariants/asked_first.h"
#include "tests/sim/invariants/bounded.h"
#include "tests/sim/invariants/client_order.h"
#include "tests/sim/invariants/committed_log.h"
#include "tests/sim/invariants/drained_empty.h"
#include "tests/sim/invariants/durable_log.h"
#include "tests/sim/invariants/durable_majority.h"
#include "tests/sim/invariants/election_safety.h"
#include "tests/sim/invariants/equal_digests.h"
#include "tests/sim/invariants/equal_images.h"
#include "tests/sim/invariants/fresh_reads.h"
#include "tests/sim/invariants/group_positions.h"
#include "tests/sim/invariants/handed_over.h"
#include "tests/sim/invariants/invariant.h"
#include "tests/sim/invariants/kept_commands.h"
#include "tests/sim/invariants/kept_copies.h"
#include "tests/sim/invariants/kept_promises.h"
#include "tests/sim/invariants/known_members.h"
#include "tests/sim/invariants/metadata_forward.h"
#include "tests/sim/invariants/nothing_lost.h"
#include "tests/sim/sights.h"

namespace penstock::sim {

std::vector<std::unique_ptr<Invariant>> all_invariants(Violations& violations, Groups& groups) {
  std::vector<std::unique_ptr<Invariant>> all;
  all.push_back(std::make_unique<ElectionSafety>(violations));
  all.push_back(std::make_unique<CommittedLog>(violations));
  all.push_back(std::make_unique<KeptPromises>(violations));
  all.push_back(std::make_unique<DurableLog>(violations));
  all.push_back(std::make_unique<DurableMajority>(violations));
  all.push_back(std::make_unique<ClientOrder>(violations));
  all.push_back(std::make_unique<Bounded>(violations));
  all.push_back(std::make_unique<FreshReads>(violations));
  all.push_back(std::make_unique<AskedFirst>(violations));
  all.push_back(std::make_unique<HandedOver>(violations));
  all.push_back(std::make_unique<KnownMembers>(violations));
  all.push_back(std::make_unique<EqualDigests>(violations));
  all.push_back(std::make_unique<NothingLost>(violations));
  all.push_back(std::make_unique<MetadataForward>(violations));
  all.push_back(std::make_unique<EqualImages>(violations));
  all.push_back(std::make_unique<KeptCopies>(violations, groups));
  all.push_back(std::make_unique<DrainedEmpty>(violations, groups));
  all.push_back(std::make_unique<KeptCommands>(violations));
  all.push_back(std::make_unique<GroupPositions>(violations));
  all.push_back(std::make_unique<Sights>(violations));
  return all;
}

}  // namespace penstock::sim
