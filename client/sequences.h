// Sequences: the numbers of a producer's batches, and what may honestly become of them when one is
// refused.
//
// A partition's batches are numbered when they are sent for the first time and keep their numbers
// in every repetition. When one fails, nothing of its partition is sent until all that is under way
// there has ended; then what is left goes again, in order. A gap that is certain never to be filled
// is closed by numbering again; one that may be none, and a partition that has forgotten the
// producer, need a new epoch. What may be in the log is never sent under another number: it is
// kUnknown.
//
// Invariants: open batches of a partition are in the order of their sequences; at most
// record::kRememberedBatches of them, in at most kMaxPartsInFlight parts of requests. Numbers
// change only while nothing of the partition is under way and nothing of it is in doubt.
// Threads: one. Failure: told as values; take_settled() after each input.
//
// Together with ProducerCore: its Queue asks may_send_new() and next_again() where it looks at
// `under_way` today; take_part() passes what it took to send(), and stamps the bytes with the
// answer; part_delivered() and part_failed() pass on how a part ended before they look at anything
// else, and requeue() only what is not settled then; tick() calls abandon() where it reports an
// outcome; split_or_give_up() calls split(); a slot whose topic is another one calls reset(). The
// shell asks a broker for a number while wants_identity(), for one with known() if there is a name.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "client/batch.h"
#include "client/outcome.h"
#include "protocol/record/sequence.h"

namespace penstock::client {

// Names one open batch, also when it is one part of a batch that was split.
using BatchKey = std::uint64_t;

enum class Naming : std::uint8_t {
  kUnnamed,  // its number is its own: it counts its epochs itself
  kNamed,    // the controller does, so that a process of the same name is fenced
};

struct Outgoing {
  BatchKey key = 0;
  std::uint32_t records = 0;
};

// What the header of a batch shall say.
using Stamp = Numbers;

enum class Fate : std::uint8_t {
  kDurable,     // in the log, at an offset that is no longer known
  kNotWritten,  // certainly not in the log
  kUnknown,
};

struct SettledBatch {
  Slot slot = 0;
  BatchKey key = 0;
  Fate fate = Fate::kUnknown;
  Error error;  // why
};

class Sequences {
 public:
  explicit Sequences(Naming naming) : naming_(naming) {}

  // --- who writes
  // A number must be asked for: none is there yet, or a new epoch is needed that comes from there.
  bool wants_identity() const;
  // The one that was told last; to be sent along when a named producer asks again.
  std::optional<record::ProducerIdentity> known() const { return identity_; }
  void identify(record::ProducerIdentity identity);
  // Another process writes under the name. Final: what is not under way is settled at once.
  void fence(const Error& error);
  const std::optional<Error>& fenced() const { return fenced_; }

  // --- sending
  // A batch that was never sent may go.
  bool may_send_new(Slot slot) const;
  // The batch that has to go next, before any new one; with `alone` nothing may be in its part
  // beside it.
  struct Again {
    BatchKey key = 0;
    bool alone = false;
  };
  std::optional<Again> next_again(Slot slot) const;
  // Sends a part: batches that go again, in their order, and new ones behind them. Precondition:
  // next_again() or may_send_new() said so.
  std::vector<Stamp> send(Slot slot, std::span<const Outgoing> batches);

  // --- how parts ended: exactly one of these for each send()
  void delivered(Slot slot, std::span<const BatchKey> batches);
  // What is not settled afterwards goes again.
  void failed(Slot slot, std::span<const BatchKey> batches, const Error& error, Stage stage);

  // --- what the producer does to open batches
  // It is told an outcome now, and not sent again: kUnknown when it may be in the log. None: it was
  // never sent, or take_settled() has its outcome.
  std::optional<Fate> abandon(Slot slot, BatchKey key);
  // A batch that goes again becomes two; each keeps its sequences.
  void split(Slot slot, BatchKey key, std::uint32_t first_records, BatchKey second);
  // Another log is behind the slot. Precondition: nothing of it is open.
  void reset(Slot slot);

  std::vector<SettledBatch> take_settled();
  // Batches that were sent and have no outcome yet.
  std::size_t open(Slot slot) const;

 private:
  struct Open {
    BatchKey key = 0;
    std::uint32_t records = 0;
    std::int32_t first = 0;
    bool under_way = false;
    bool in_doubt = false;   // an attempt may have written it
    bool abandoned = false;  // only its place is left
  };
  struct Partition {
    record::ProducerIdentity identity;
    std::int32_t next = 0;  // sequence of the next new batch
    std::deque<Open> open;
    std::size_t parts = 0;  // under way
    bool draining = false;  // something has failed, and parts are still under way
    bool alone = false;     // the first one goes by itself
    bool needs_epoch = false;
    std::optional<Error> why;  // of the last failure
  };
  using Batches = std::span<const BatchKey>;

  Partition& partition(Slot slot) { return partitions_[slot]; }
  static Open* find(Partition& own, BatchKey key);
  void end_part(Partition& own, Batches batches);
  void out_of_order(Partition& own, Batches batches);
  void duplicate(Slot slot, Partition& own, Batches batches, const Error& error);
  void give_up(Slot slot, Partition& own, Batches batches, const Error& error);
  void settle(Slot slot, Open& batch, Fate fate, const Error& error);
  void drained(Slot slot, Partition& own);
  void close_gaps(Partition& own);
  void renew(Slot slot, Partition& own);
  static void number_again(Partition& own, std::size_t from, std::int32_t first);

  const Naming naming_;
  std::optional<record::ProducerIdentity> identity_;
  bool renewing_ = false;  // identity_ is the one that a newer one is asked for
  std::optional<Error> fenced_;
  std::map<Slot, Partition> partitions_;
  std::vector<SettledBatch> settled_;
};

}  // namespace penstock::client
