// StateSnapshots: the snapshots of one state machine on this node's disk, in a folder of their own.
//
// Invariants: a snapshot appears whole and durable or not at all; the two newest intact ones stay,
// and the one at the log start, which is what a follower is installed with; what is older goes only
// after the log begins behind it. So when the newest one has rotted, the one before it and the log
// give the same state. A bad file is never used, and is told apart from one that never was. An
// installed snapshot may be ahead of the log (a crash before the log was reset): it is the state of
// committed records all the same. Threads: the owner's; Ticket::run() on another one meanwhile.
// Failure: kForeignData, kUnsupportedVersion: these files are another log's, or a newer release
// wrote them. kDiskFull leaves everything as it was. Format: docs/storage_format.md, "State
// snapshot".
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "broker/host/replica.h"
#include "broker/host/state_host_machine.h"
#include "broker/raft/types.h"
#include "storage/options.h"

namespace penstock::broker {

class StateSnapshots final : public StateAtStart {
 public:
  // Makes the folder where there is none. `machine`, which judges what is received, outlives this.
  static Result<std::unique_ptr<StateSnapshots>> open(Env& env, std::string dir,
                                                      storage::LogIdentity identity,
                                                      const StateMachine& machine);

  // --- StateAtStart
  Result<SharedBytes> state_at(raft::LogPoint start) override;
  Status install(raft::LogPoint start, ByteView state) override;

  // --- making one: begin on the owner's thread, run() anywhere, complete on the owner's again
  class Ticket {
   public:
    Status run() const;  // blocking: writes, flushes, renames

   private:
    friend class StateSnapshots;
    std::shared_ptr<const struct SnapshotWork> work_;
  };
  bool is_writing() const { return writing_.has_value(); }
  Ticket begin(raft::LogPoint point, ByteView state);
  void complete(const Ticket& ticket, const Status& status);

  // --- reading
  // Brings the machine to the newest intact snapshot at or behind `log_start` and says what it
  // was; none: there is none, but the log holds everything from the beginning. kCorrupt, kIoError:
  // what the log no longer holds is in no intact snapshot; only a reinstallation helps.
  Result<std::optional<raft::LogPoint>> restore(StateMachine& machine, Offset log_start,
                                                Offset log_end);
  std::optional<Offset> newest(Offset up_to) const;  // as far as is known, intact
  bool has(Offset at) const;
  std::size_t damaged() const;  // files that were found bad

  // Below it the state is found again without the log, also when the newest snapshot has rotted:
  // where the last but one is, or the only one of a log that begins at 0. Zero: nowhere.
  Offset covered(Offset log_start, Offset applied) const;

  // --- the log's beginning
  // How far the log's beginning may go: the last snapshot but one, read back just now; the last one
  // if there is none at the log start to install followers with.
  std::optional<Offset> may_begin_at(Offset log_start, Offset applied);
  // Removes what nobody needs once the log begins there.
  void forget_old(Offset log_start, Offset applied);

 private:
  enum class Health { kIntact, kBad };
  struct Loaded {
    raft::LogPoint point;
    Bytes file;
    ByteView state;  // in `file`
  };

  StateSnapshots(Env& env, std::string dir, storage::LogIdentity identity,
                 const StateMachine& machine);
  std::string path_of(Offset at) const;
  // kCorrupt, kIoError: the file is bad or cannot be read, which is remembered.
  Result<Loaded> load(Offset at);
  std::optional<Offset> newest_below(std::optional<Offset> than, Offset up_to) const;

  Env& env_;
  const std::string dir_;
  const storage::LogIdentity identity_;
  const StateMachine& machine_;
  std::map<Offset, Health> files_;
  std::optional<Offset> writing_;
};

}  // namespace penstock::broker
