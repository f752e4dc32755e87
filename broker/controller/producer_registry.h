// ProducerRegistry: which numbers producers have, and who writes under a name.
//
// A number is never given twice. A producer with a name keeps its number and gets the next epoch
// each time a process registers under that name, which fences the processes before it; after the
// last epoch it gets a new number. Invariants: apply() is the only mutator; every number below
// next_id() is taken. Threads: one at a time. Failure: as ClusterState.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "broker/controller/metadata_record.h"
#include "protocol/record/sequence.h"

namespace penstock::broker {

// Sent by a process when it begins to write under a name, and when it needs a new epoch.
struct RegisterProducer {
  std::string name;
  // Of the process: the same in every repetition, so that a lost answer costs no epoch.
  Uuid instance;
  // What it was told the last time; none: it begins. With it, whoever is not the last process of
  // that name is fenced instead of fencing the one that is.
  std::optional<record::ProducerIdentity> known = std::nullopt;
  Timestamp now;
};

class ProducerRegistry {
 public:
  struct NamedProducer {
    record::ProducerIdentity identity;
    Uuid instance;
    Timestamp registered_at;
    friend bool operator==(const NamedProducer&, const NamedProducer&) = default;
  };
  using Named = std::map<std::string, NamedProducer, std::less<>>;

  struct Registration {
    record::ProducerIdentity identity;
    std::optional<ProducerRegistered> record;  // none: it is registered as that already
  };
  // kProducerFenced: another process has registered under the name since. kUnknownProducer: the
  // name that is said to be known is not. kOverloaded: there are too many names.
  Result<Registration> decide(const RegisterProducer& command) const;
  // kInvalidArgument: not 1 to kMaxProducerIdBlock. kInternal: numbers are used up.
  Result<ProducerIdsAllocated> decide(raft::NodeId broker, std::uint32_t count) const;
  // kUnknownProducer.
  Result<NamedProducer> find(std::string_view name) const;

  // What is wrong with the record, if anything; nothing is changed then.
  std::optional<std::string> apply(const ProducerIdsAllocated& record);
  std::optional<std::string> apply(const ProducerRegistered& record);
  std::optional<std::string> apply(const ProducerForgotten& record);

  const Named& named() const { return named_; }
  std::int64_t next_id() const { return next_id_; }
  // No number was given yet.
  bool is_untouched() const { return next_id_ == kFirstId && named_.empty(); }

  // --- for snapshots; none: no registry is like that
  static std::optional<ProducerRegistry> restore(Named named, std::int64_t next_id);

 private:
  // Zero is what a forgotten field holds.
  static constexpr std::int64_t kFirstId = 1;

  bool is_full(std::uint32_t count) const;

  Named named_;
  std::int64_t next_id_ = kFirstId;
};

}  // namespace penstock::broker
