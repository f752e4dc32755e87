#include "tests/sim/invariants/bounded.h"
#include "tests/sim/invariants/client_order.h"
#include "tests/sim/invariants/committed_log.h"
#include "tests/sim/invariants/durable_majority.h"
#include "tests/sim/invariants/election_safety.h"
#include "tests/sim/invariants/invariant.h"
#include "tests/sim/invariants/kept_promises.h"

namespace penstock::sim {

std::vector<std::unique_ptr<Invariant>> all_invariants(Violations& violations) {
  std::vector<std::unique_ptr<Invariant>> all;
  all.push_back(std::make_unique<ElectionSafety>(violations));
  all.push_back(std::make_unique<CommittedLog>(violations));
  all.push_back(std::make_unique<KeptPromises>(violations));
  all.push_back(std::make_unique<DurableMajority>(violations));
  all.push_back(std::make_unique<ClientOrder>(violations));
  all.push_back(std::make_unique<Bounded>(violations));
  return all;
}

}  // namespace penstock::sim
