// MetadataStore: the metadata state machine on its durable log.
//
// A command is decided on the state, its records are appended as one batch and flushed, then
// applied, and only then is the answer returned: returned means durable. Invariants: the state is
// what replaying the log gives; a batch is one decision, there completely or not at all. Threads:
// one at a time; every call may wait for the disk. Failure: a refused command changes nothing. A
// failed flush fences the log: the process must end.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "broker/controller/cluster_state.h"
#include "storage/log.h"

namespace penstock::broker {

class MetadataStore {
 public:
  // Replays the log in `dir`. kCorrupt, kUnsupportedVersion: the cluster cannot be started on it.
  static Result<std::unique_ptr<MetadataStore>> open(Env& env, const Clock& clock, std::string dir,
                                                     Uuid cluster_id);

  template <typename Command>
  auto carry_out(const Command& command)
      -> Result<decltype(std::declval<ClusterState&>().handle(command)->answer)> {
    PENSTOCK_TRY_ASSIGN(auto decision, state_.handle(command));
    PENSTOCK_TRY(commit(decision.records));
    return std::move(decision.answer);
  }
  // Whether the command would be carried out, without doing it.
  template <typename Command>
  Status check(const Command& command) const {
    PENSTOCK_TRY(state_.handle(command));
    return {};
  }

  ImagePtr image() const { return state_.image(); }
  // Deleted topics whose files may still be on disk, with the names they had.
  std::map<Uuid, std::string> deleted() const;
  const storage::RecoveryReport& recovery() const { return recovery_; }
  Status close();

 private:
  MetadataStore(const Clock& clock, std::unique_ptr<storage::Log> log,
                storage::RecoveryReport recovery)
      : clock_(clock), log_(std::move(log)), recovery_(std::move(recovery)) {}
  Status replay();
  Status commit(const std::vector<MetadataRecord>& records);

  const Clock& clock_;
  std::unique_ptr<storage::Log> log_;
  storage::RecoveryReport recovery_;
  ClusterState state_;
};

}  // namespace penstock::broker
