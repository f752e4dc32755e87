// StateHost: a state machine on a replicated log: decide, propose, apply, reply.
//
// A command is decided on the state of a leader that has applied everything, its records are
// appended as one batch, and when a majority has them they are applied, on every node alike, and
// the command is answered. A command that decides no records, or is refused, is answered only after
// a majority has confirmed that this node leads: nobody is told what a deposed leader believes.
//
// Invariants: only committed records are applied, in order, each once; one command is under way at
// a time; every answer is called exactly once (after stop() at the latest). Nothing goes from the
// log before it is in a durable snapshot and in an older one or the log behind it.
// Threads: one at a time, the replica's owner's; reads of the log and raising its start may wait
// for the disk, a snapshot is written by a ticket on another thread. Lifetime: all references
// outlive the host, which alone calls append() and read_index() of its replica; the log has no
// retention of its own. Records have keys when the machine's do (StateOf): such a log may be read
// and compacted, like any topic's, below what StateSnapshots::covered() says.
// Failure: of a command, see submit(). What the log holds and the machine cannot apply, and a
// snapshot that cannot be flushed, is fatal(): the host answers nobody any more, and steps down.
//
// The shell passes on what the replica puts out, until there is nothing more:
//
//   host.submit(...); replica.receive(...); replica.tick(); ...
//   bool more = true;
//   while (more) {
//     ReplicaOutput output = replica.take_output();
//     more = host.follow(output);
//     ... sends output.messages, saves output.save, and so on
//   }
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "broker/host/limits.h"
#include "broker/host/replica.h"
#include "broker/host/state_host_machine.h"
#include "broker/host/state_host_snapshots.h"

namespace penstock::broker {

// What becomes of records that are in snapshots.
enum class OldRecords : std::uint8_t {
  kGo,    // the log is kept short
  kStay,  // it is read by others; snapshots are a short cut for the start alone
};

struct StateHostOptions {
  std::uint64_t snapshot_after_bytes = kSnapshotAfterBytes;
  // After records were applied, or another state took this one's place; between two decisions,
  // never within one. The machine may be read while it is called; what outlives it is an image.
  std::function<void(const StateMachine&)> applied = nullptr;
  OldRecords old_records = OldRecords::kGo;
  std::size_t max_queued = kMaxQueuedCommands;
};

class StateHost {
 public:
  // The records that carry the command out, or why it is refused; reads the machine, changes
  // nothing.
  using Decide = std::function<Result<std::vector<StateRecord>>()>;
  using Answer = std::function<void(Status)>;

  // Brings the machine to the newest intact snapshot and applies what is known to be committed.
  // kCorrupt: this node must be installed anew; it never begins with less than it once had.
  static Result<std::unique_ptr<StateHost>> open(const Clock& clock, Replica& replica,
                                                 StateSnapshots& snapshots, StateMachine& machine,
                                                 StateHostOptions options = {});

  // Answered, perhaps before it returns, with success (applied here, and on a majority's disks),
  // with what `decide` refused it with, or
  //   kNotLeader     nothing was done; leader() may know who leads
  //   kOverloaded    nothing was done; too many wait
  //   kNotReady, kDiskFull, kBatchTooLarge, ...  nothing was done
  //   kTimeout       the leader changed meanwhile: it may be carried out, once, or never
  // `answer` may submit again.
  void submit(Decide decide, Answer answer);
  // Follows the replica; true when that gave it an input, so that there is more output to take.
  bool follow(const ReplicaOutput& output);
  // Answers all who wait; later commands are refused with kShuttingDown.
  void stop();

  // --- snapshots
  bool wants_snapshot() const;
  StateSnapshots::Ticket begin_snapshot();
  // kDiskFull and the like: tried again when more was applied. What no disk may do is fatal().
  void complete_snapshot(const StateSnapshots::Ticket& ticket, const Status& status);

  // --- state
  bool is_ready() const;  // leads, and decides on everything that was ever committed
  raft::NodeId leader() const { return replica_.leader(); }
  Offset applied() const { return machine_.applied(); }
  const std::optional<Error>& fatal() const { return fatal_; }
  // Committed records cannot be read here at present; tried again whenever something happens.
  const std::optional<Error>& trouble() const { return trouble_; }

 private:
  struct Command {
    Decide decide;
    Answer answer;
  };
  struct UnderWay {
    enum class What { kRecords, kConfirmation } what;
    Answer answer;
    Term term;
    Offset end = Offset(0);     // of its records
    std::uint64_t context = 0;  // of the confirmation
    Status verdict = Status{};  // after the confirmation
  };
  struct Leading {
    Term term;
    Offset inherited;  // what must be applied before anything is decided
  };

  StateHost(const Clock& clock, Replica& replica, StateSnapshots& snapshots, StateMachine& machine,
            StateHostOptions options);

  // --- applying
  Status apply_committed();
  Status apply_batches(ByteView batches);
  void restore_at_start();
  void publish() const;
  void die(Error error);

  // --- commands
  void finish_what_is_committed();
  void finish_confirmed(const ReplicaOutput& output);
  void notice_role();
  void begin_next();
  void propose(Command command, const std::vector<StateRecord>& records);
  void confirm(Command command, Status verdict);
  void answer_under_way(Status status);
  void refuse_queued(const Error& error);
  Error not_leader() const;

  void keep_log_short();

  const Clock& clock_;
  Replica& replica_;
  StateSnapshots& snapshots_;
  StateMachine& machine_;
  const StateHostOptions options_;

  std::deque<Command> queue_;
  std::optional<UnderWay> under_way_;
  std::optional<Leading> leading_;
  std::uint64_t next_context_ = 1;
  bool stopped_ = false;
  bool within_ = false;  // answers and `applied` may call back
  bool acted_ = false;   // the replica has got an input

  std::uint64_t bytes_since_snapshot_ = 0;
  std::uint64_t snapshot_at_bytes_ = 0;
  std::uint64_t bytes_in_snapshot_ = 0;  // of the one that is being written
  std::uint64_t size_of_snapshot_ = 0;
  bool trim_is_due_ = true;

  std::optional<Error> fatal_;
  std::optional<Error> trouble_;
};

// A typed record's bytes as its log takes them: encode() gives a value, or a key with one.
template <typename Record>
StateRecord to_state_record(const Record& record) {
  auto encoded = encode(record);
  if constexpr (std::is_same_v<decltype(encoded), Bytes>) {
    return {.key = std::nullopt, .value = std::move(encoded)};
  } else {
    return {.key = std::move(encoded.key), .value = std::move(encoded.value)};
  }
}

// Submits a typed command: `machine` is a StateOf, whose state decides with handle(command), as
// ClusterState does; `done` gets a Result of the decision's answer.
template <typename Machine, typename Command, typename Done>
void carry_out(StateHost& host, const Machine& machine, Command command, Done done) {
  using Decision = typename decltype(machine.state().handle(command))::value_type;
  using Answer = decltype(Decision::answer);
  const auto answer = std::make_shared<std::optional<Answer>>();
  host.submit(
      [&machine, command = std::move(command), answer]() -> Result<std::vector<StateRecord>> {
        PENSTOCK_TRY_ASSIGN(auto decision, machine.state().handle(command));
        *answer = std::move(decision.answer);
        std::vector<StateRecord> records;
        for (const auto& record : decision.records) records.push_back(to_state_record(record));
        return records;
      },
      [answer, done = std::move(done)](Status status) {
        if (status) {
          done(Result<Answer>(**std::move(answer)));
        } else {
          done(Result<Answer>(std::unexpected(std::move(status).error())));
        }
      });
}

}  // namespace penstock::broker
