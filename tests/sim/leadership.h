// Leadership: what a broker does where it leads: brings the memberships of partitions to their
// placement, and tells the others; as controller it plans who votes, and empties brokers that
// leave.
//
// One step at a time, nothing remembered: next_step(), plan_voters() and plan_drain() decide.
// Lifetime: one life of the process. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "broker/controller/reconcile.h"
#include "tests/sim/copies.h"
#include "tests/sim/metadata.h"

namespace penstock::sim {

class Leadership {
 public:
  using Tell = std::function<void(const GroupReport&)>;

  Leadership(Scene& scene, Node& node, Metadata& metadata, const Copies& copies, Tell tell)
      : scene_(scene), node_(node), metadata_(metadata), copies_(copies), tell_(std::move(tell)) {}

  // False: the node died of it.
  bool upkeep();

 private:
  broker::LedGroup led(GroupNumber group, const broker::Replica& replica) const;
  bool reconcile(GroupNumber group);
  bool take(GroupNumber group, const broker::LedGroup& led, bool& is_settled);
  bool reconcile_metadata();
  void empty_leaving();

  Scene& scene_;
  Node& node_;
  Metadata& metadata_;
  const Copies& copies_;
  const Tell tell_;
  struct Led {
    Term term;
    std::int64_t since_ms = 0;
  };
  std::map<GroupNumber, Led> led_;
  std::uint64_t reports_ = 0;
};

}  // namespace penstock::sim
