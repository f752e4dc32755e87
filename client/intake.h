// Intake: the border between the application's threads and the producer's executor: records go in
// and outcomes come out under one short lock.
//
// Costs: append() is one uncontended lock, and one copy of the record into its batch. The executor
// is woken only when something becomes due before it would look anyway. Threads: all methods from
// any thread, except take(), sleep_until() and settle(), which are the executor's. Failure: waiting
// ends with kOverloaded or kTimeout when the deadline passes, with kShuttingDown when the producer
// was closed; after cancel_waits() with kOverloaded for a record that was not accepted, with
// kCancelled for what is under way.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "client/accumulator.h"
#include "client/reports.h"

namespace penstock::client {

class Intake {
 public:
  enum class Admission { kAccepted, kTopicNotKnown, kFull };

  // `wake` makes the executor look again; it is called from any thread and must not block.
  Intake(const ProducerConfig& config, const Clock& clock, std::uint32_t sticky_start,
         std::function<void()> wake);

  Result<Admission> append(const ProducerRecord& record, Ticket ticket = 0);
  Status wait_for_room(const ProducerRecord& record, Instant deadline);
  // Why wait_for_room() would wait; for waiters that do not block a thread.
  bool has_room(const ProducerRecord& record) const;
  Error no_room() const;

  // A ticket for a record whose outcome will be fetched with await_ticket() or take_ticket().
  Ticket new_ticket();
  std::optional<Delivery> take_ticket(Ticket ticket);
  Result<Delivery> await_ticket(Ticket ticket);
  // For a record that was not accepted after all.
  void drop_ticket(Ticket ticket);

  std::vector<Delivery> poll(Instant deadline);

  // Makes everything accepted so far due; returns a mark to wait for.
  std::uint64_t start_flush();
  bool is_flushed(std::uint64_t mark) const;
  Status wait_until_flushed(std::uint64_t mark, Instant deadline);

  // What waits here now does not wait any more.
  void cancel_waits();
  // No record is accepted any more.
  void close();
  bool is_closed() const;

  std::vector<Slot> set_topic(std::string_view name, std::uint32_t partitions);
  void forget_topic(std::string_view name);

  // Executor: see Accumulator::take().
  std::vector<DraftBatch> take(Instant now, Instant too_old, const Accumulator::Sendable& sendable);
  void give_back(Slot slot, record::BatchBuilder builder);
  // The executor will look again at `next` at the latest; returns an earlier time when something is
  // due earlier.
  Instant sleep_until(Instant next);
  // Outcomes of batches, memory that is free again, and requests and retries since the last call.
  void settle(std::vector<BatchOutcome> outcomes, std::size_t released_bytes,
              std::uint64_t requests, std::uint64_t retries);

  ProducerStats stats() const;

 private:
  bool has_room_for(std::size_t bytes) const;
  void count(const BatchOutcome& outcome);
  void answer_tickets(const Report& report);

  const ProducerConfig config_;
  const Clock& clock_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable reported_;  // reports, tickets and flushes
  Accumulator accumulator_;
  Reports reports_;
  std::map<Ticket, std::optional<Delivery>> tickets_;
  std::set<std::uint64_t> unsettled_;  // ids of batches without an outcome
  Ticket next_ticket_ = 1;
  Instant sleeping_until_ = Instant::min();  // awake
  std::size_t waiting_for_room_ = 0;
  bool closed_ = false;
  std::uint64_t cancels_ = 0;
  ProducerStats stats_;
};

}  // namespace penstock::client
