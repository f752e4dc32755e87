// Every message that was sent and has neither arrived nor been lost, in order of sending.
//
// Nothing moves by itself: a scenario takes messages out by filter. A cut link loses what would
// cross it at the moment of arrival; a hold keeps matching messages where they are.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/broker/raft/scenario_arguments.h"
#include "tests/broker/raft/scenario_log.h"

namespace penstock::raft {

// A message and the batches that travel beside it.
struct Parcel {
  Envelope envelope;
  std::vector<ScenarioBatch> batches;
};

// "prevote", "vote-reply", "append", "heartbeat" (an append of nothing), ...
std::string type_of(const Message& message);

// Which messages: "n1->n2", "*->n3", type=append,heartbeat, term=4, nth=2 (of those that match),
// last=1.
class ParcelFilter {
 public:
  static ParcelFilter read(ScenarioArguments& arguments);
  bool matches(const Parcel& parcel) const;
  // Of indices that match, those that nth= and last= leave.
  std::vector<std::size_t> choose(std::vector<std::size_t> matching) const;

 private:
  std::optional<NodeId> from_;
  std::optional<NodeId> to_;
  std::vector<std::string> types_;
  std::optional<Term> term_;
  std::int64_t nth_ = 0;
  bool last_ = false;
};

class ScenarioNetwork {
 public:
  void post(Parcel parcel) { pool_.push_back(std::move(parcel)); }
  const std::vector<Parcel>& pool() const { return pool_; }

  // Takes out what matches, held or not.
  std::vector<Parcel> take(const ParcelFilter& filter);
  // Takes out what is not held and goes from and to one of `among` (empty: everybody).
  std::vector<Parcel> take_free(const std::set<NodeId>& among);
  std::vector<const Parcel*> find(const ParcelFilter& filter) const;
  void duplicate(const ParcelFilter& filter);

  void hold(ParcelFilter filter) { holds_.push_back(std::move(filter)); }
  void release() { holds_.clear(); }
  void cut(NodeId from, NodeId to) { cut_.insert({from, to}); }
  void heal() { cut_.clear(); }
  bool is_cut(NodeId from, NodeId to) const { return cut_.contains({from, to}); }

 private:
  std::vector<std::size_t> matching(const ParcelFilter& filter) const;

  std::vector<Parcel> pool_;
  std::vector<ParcelFilter> holds_;
  std::set<std::pair<NodeId, NodeId>> cut_;
};

}  // namespace penstock::raft
