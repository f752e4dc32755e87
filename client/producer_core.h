// ProducerCore: decides what is sent when, what is tried again, and what becomes of every batch.
//
// Invariants:
// - Without numbers (client/sequences.h), at most one request of a partition is under way or waits
//   for its retry: with two under way, the second could be written after the first was refused, and
//   the retry of the first would overtake it. What queues up meanwhile goes out in one request
//   (many batches a partition), so that the price is one round trip of idle time for a producer
//   that writes to a single partition. With numbers there are several under way, and the partition
//   refuses what comes in the wrong order, or twice.
// - Batches of a partition leave in order; a failed one goes back to the front.
// - Every batch that was added gets exactly one outcome; delivered, failed (certainly not written)
//   or unknown, by its whole history (client/outcome.h).
// - A partition's leader is never replaced by an older one. While a partition waits for a leader,
// or
//   its leader is silent, its topic is stale, so that somebody asks who leads now.
// - Bytes of a request under way stay charged until the request has ended, even when their outcome
//   was told before that.
// Threads: one. Time comes in; outcomes, stale topics and released memory are taken out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "client/backoff.h"
#include "client/batch.h"
#include "client/config.h"
#include "client/metadata.h"
#include "client/outcome.h"
#include "client/sequences.h"

namespace penstock::client {

// Where a slot's batches go.
struct Target {
  std::string topic;
  TopicPartition id;
  BrokerId leader = kNoBroker;
  Term leader_epoch;
  std::vector<BrokerId> replicas{};
};

struct ProduceCall {
  struct Part {
    Slot slot = 0;
    TopicPartition id;
    Term leader_epoch;
    std::vector<SharedBytes> batches;  // shared with the core: nobody can reuse them meanwhile
    std::size_t bytes = 0;
  };
  std::uint64_t id = 0;
  BrokerId broker = kNoBroker;
  std::vector<Part> parts;
};

// The broker's answer for one part of a call.
struct PartAnswer {
  std::optional<Error> error;
  Offset base_offset;
  Offset last_offset;
  Receipt receipt;
  std::vector<Offset> batches{};  // of each one, where they are not one range of offsets
};

class ProducerCore {
 public:
  ProducerCore(const ProducerConfig& config, Backoff backoff, Rng rng);

  // --- numbers: before the first batch, if at all
  void number_batches(Naming naming) { sequences_.emplace(naming); }
  // Brokers know of no numbers: from now on there are none. Precondition: none was given yet.
  void go_unnumbered() { sequences_.reset(); }
  // A number is to be asked for; with known() if there is a name.
  bool wants_identity() const { return sequences_ && sequences_->wants_identity(); }
  std::optional<record::ProducerIdentity> known() const { return sequences_->known(); }
  void identify(record::ProducerIdentity identity);
  // Why there is no number yet; part of the explanation when a batch expires.
  void on_no_identity(Error error) { no_identity_ = std::move(error); }
  // Another process writes under the name: everything ends.
  void fence(const Error& error);

  // Sets or changes where a slot's batches go. When the topic's id changed (it was deleted and
  // created again), what was accepted for the old one fails.
  void place(Slot slot, Target target, Instant now);
  // The topic of these slots does not exist any more: everything that waits, and everything that is
  // added until place(), fails with `error`.
  void remove(std::span<const Slot> slots, const Error& error);

  void add(Batch batch);
  // A batch that could not be encoded.
  void reject(Batch batch, const Error& error) { give_up(std::move(batch), error); }

  // True when the slot's next batch is wanted: a request for it could leave now, or it shall be the
  // reason to look for a leader.
  bool is_sendable(Slot slot, Instant now) const;
  // Brokers for which next_call() has something.
  std::vector<BrokerId> brokers_with_work(Instant now) const;
  // At most `max_bytes` of batches, except for a single batch that is larger.
  std::optional<ProduceCall> next_call(BrokerId broker, std::size_t max_bytes, Instant now);

  // How a call ended: exactly one of these for each.
  void on_answer(std::uint64_t call, std::span<const PartAnswer> answers, Instant now);
  void on_failure(std::uint64_t call, const Error& error, Stage stage, Instant now);
  // The broker asks for a pause before the next request.
  void on_throttle(BrokerId broker, Instant until);
  // Why nothing can be sent to a broker; part of the explanation when a batch expires.
  void on_unreachable(BrokerId broker, Error error);
  // There is no connection yet, and one is being made.
  void on_connecting(BrokerId broker, Instant now);

  // Gives every batch whose delivery timeout is over its outcome; topics with batches and without a
  // leader that answers are stale.
  void tick(Instant now);
  // When tick(), next_call() or is_sendable() has something new without another input.
  Instant next_deadline(Instant now) const;
  // Ends everything: what was never sent fails, the rest is unknown.
  void abort(const Error& reason);

  std::vector<BatchOutcome> take_outcomes();
  std::set<std::string> take_stale_topics();
  std::size_t take_released_bytes();
  // Brokers that are silent while others have taken over from them: their connections are not worth
  // waiting for. What is under way on them has to end with on_failure().
  std::set<BrokerId> take_deserted();

  std::uint64_t requests() const { return requests_; }
  std::uint64_t retries() const { return retries_; }
  std::size_t calls_under_way() const { return calls_.size(); }

 private:
  struct Queue {
    Target target;
    bool placed = false;
    std::optional<Error> gone;  // the topic does not exist any more
    std::size_t parts = 0;      // under way
    bool listed = false;        // in order_
    bool seeks_leader = false;  // the known one has failed
    std::deque<Batch> waiting;
    std::uint32_t failures = 0;  // in a row
    Instant retry_at = Instant::min();
    std::optional<Error> last_error;  // cleared by the next success
  };
  struct Broker {
    std::size_t calls = 0;
    Instant throttled_until = Instant::min();
    std::optional<Error> unreachable;
    std::optional<Instant> connecting_since;
  };
  struct PartUnderWay {
    Slot slot = 0;
    Term leader_epoch;
    std::vector<Batch> batches;
  };
  struct Call {
    BrokerId broker = kNoBroker;
    Instant sent;
    bool deserted = false;
    std::vector<PartUnderWay> parts;
  };

  Queue& queue(Slot slot);
  Broker& broker(BrokerId id) { return brokers_[id]; }
  bool has_capacity(BrokerId id, Instant now) const;
  bool is_ready(Slot slot, Instant now) const;
  void list(Slot slot);
  void expire_under_way(Instant too_old);
  void look_for_leaders(Instant now);
  bool is_deserted(const Call& call) const;

  bool take_part(Slot slot, std::size_t room, bool first, ProduceCall& call, Call& record);
  // How many batches at the front of the slot's queue may go in one part.
  std::size_t may_go(Slot slot) const;

  // --- producer_numbers.cc
  void number(Slot slot, std::vector<Batch>& batches);
  void part_ended(PartUnderWay& part, const Error& error, Stage stage);
  // Tells what sequences_ has decided; `part`: whose batches are in no queue.
  void take_settled(PartUnderWay* part);
  void tell(Batch batch, Fate fate, const Error& error);
  void end_if_fenced();
  // Before it is given up here: its place is closed or filled by others.
  void abandon(const Batch& batch);
  Call end_call(std::uint64_t id);
  void part_delivered(PartUnderWay part, const PartAnswer& answer);
  void part_failed(PartUnderWay part, const Error& error, Stage stage, Instant now);
  void requeue(Queue& queue, std::vector<Batch> batches);
  void split_or_give_up(Queue& queue, std::vector<Batch> batches, const Error& error);

  void deliver(Batch batch, Offset base_offset, const Receipt& receipt);
  void give_up(Batch batch, const Error& error);
  BatchOutcome outcome_of(Batch& batch);
  Error expiry_of(const Queue& queue, const Batch& batch) const;
  std::string delivery_timeout() const;

  const ProducerConfig config_;
  std::optional<Sequences> sequences_;
  std::optional<Error> no_identity_;
  BatchKey next_key_ = 1;
  const Backoff backoff_;
  Rng rng_;
  std::deque<Queue> queues_;  // by slot
  std::deque<Slot> order_;    // slots with waiting batches, next turn first
  std::map<BrokerId, Broker> brokers_;
  std::map<std::uint64_t, Call> calls_;
  std::uint64_t next_call_ = 1;
  std::uint64_t requests_ = 0;
  std::uint64_t retries_ = 0;

  std::vector<BatchOutcome> outcomes_;
  std::set<std::string> stale_topics_;
  std::set<BrokerId> deserted_;
  std::size_t released_bytes_ = 0;
};

}  // namespace penstock::client
