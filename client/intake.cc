#include "client/intake.h"

#include <algorithm>
#include <utility>

namespace penstock::client {

Intake::Intake(const ProducerConfig& config, const Clock& clock, std::uint32_t sticky_start,
               std::function<void()> wake)
    : config_(config),
      clock_(clock),
      wake_(std::move(wake)),
      accumulator_(config, clock, sticky_start),
      reports_(config.reports) {}

bool Intake::has_room_for(std::size_t bytes) const {
  return accumulator_.has_room(bytes) && reports_.size() < config_.max_undelivered_reports;
}

Result<Intake::Admission> Intake::append(const ProducerRecord& record, Ticket ticket) {
  const Timestamp timestamp = record.timestamp ? *record.timestamp : clock_.wall();
  bool due = false;
  bool full = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return fail(Errc::kShuttingDown, "the producer is closed");
    if (reports_.size() >= config_.max_undelivered_reports) return Admission::kFull;
    const std::uint64_t newest = accumulator_.newest_batch();
    PENSTOCK_TRY_ASSIGN(const auto admission, accumulator_.append(record, timestamp, ticket));
    if (admission == Accumulator::Admission::kTopicNotKnown) return Admission::kTopicNotKnown;
    full = admission == Accumulator::Admission::kMemoryFull;
    if (full) {
      accumulator_.hurry();
    } else {
      ++stats_.records_accepted;
      if (accumulator_.newest_batch() != newest) unsettled_.insert(accumulator_.newest_batch());
    }
    due = accumulator_.next_due() < sleeping_until_;
    if (due) sleeping_until_ = Instant::min();  // one wake is enough
  }
  if (due) wake_();
  return full ? Admission::kFull : Admission::kAccepted;
}

bool Intake::has_room(const ProducerRecord& record) const {
  const std::scoped_lock lock(mutex_);
  return closed_ || has_room_for(Accumulator::memory_of(record));
}

Error Intake::no_room() const {
  const std::scoped_lock lock(mutex_);
  const std::string waited = "after max_block of " + std::to_string(config_.max_block.count());
  if (reports_.size() >= config_.max_undelivered_reports) {
    return {Errc::kOverloaded, std::to_string(reports_.size()) +
                                   " delivery reports were not taken with poll() " + waited +
                                   " ms"};
  }
  return {Errc::kOverloaded, std::to_string(accumulator_.memory_bytes()) + " of " +
                                 std::to_string(config_.memory_limit_bytes) +
                                 " bytes are held by records without an outcome " + waited + " ms"};
}

Status Intake::wait_for_room(const ProducerRecord& record, Instant deadline) {
  const std::size_t bytes = Accumulator::memory_of(record);
  std::unique_lock lock(mutex_);
  ++waiting_for_room_;
  const std::uint64_t cancels = cancels_;
  const bool is_over = room_.wait_until(
      lock, deadline, [&] { return closed_ || has_room_for(bytes) || cancels_ != cancels; });
  --waiting_for_room_;
  if (cancels_ != cancels) {
    return fail(Errc::kOverloaded, "cancelled while the record waited for memory");
  }
  lock.unlock();
  if (!is_over) return fail(no_room());
  return {};
}

Ticket Intake::new_ticket() {
  const std::scoped_lock lock(mutex_);
  const Ticket ticket = next_ticket_++;
  tickets_.emplace(ticket, std::nullopt);
  return ticket;
}

std::optional<Delivery> Intake::take_ticket(Ticket ticket) {
  const std::scoped_lock lock(mutex_);
  const auto it = tickets_.find(ticket);
  if (it == tickets_.end() || !it->second) return std::nullopt;
  std::optional<Delivery> delivery = std::move(it->second);
  tickets_.erase(it);
  return delivery;
}

void Intake::drop_ticket(Ticket ticket) {
  const std::scoped_lock lock(mutex_);
  tickets_.erase(ticket);
}

Result<Delivery> Intake::await_ticket(Ticket ticket) {
  std::unique_lock lock(mutex_);
  const auto it = tickets_.find(ticket);
  const std::uint64_t cancels = cancels_;
  reported_.wait(lock, [&] { return it->second.has_value() || cancels_ != cancels; });
  const std::optional<Delivery> delivery = std::move(it->second);
  tickets_.erase(it);
  if (!delivery) return fail(Errc::kCancelled, "cancelled while the record was under way");
  return *delivery;
}

std::vector<Delivery> Intake::poll(Instant deadline) {
  std::unique_lock lock(mutex_);
  const std::uint64_t cancels = cancels_;
  reported_.wait_until(lock, deadline,
                       [&] { return closed_ || reports_.size() > 0 || cancels_ != cancels; });
  const bool was_full = reports_.size() >= config_.max_undelivered_reports;
  const std::vector<Report> reports = reports_.take();
  lock.unlock();
  if (was_full) {
    room_.notify_all();
    wake_();
  }
  return expand(reports);
}

std::uint64_t Intake::start_flush() {
  std::unique_lock lock(mutex_);
  accumulator_.close_all();
  const std::uint64_t mark = accumulator_.newest_batch();
  lock.unlock();
  wake_();
  return mark;
}

bool Intake::is_flushed(std::uint64_t mark) const {
  const std::scoped_lock lock(mutex_);
  return unsettled_.empty() || *unsettled_.begin() > mark;
}

Status Intake::wait_until_flushed(std::uint64_t mark, Instant deadline) {
  std::unique_lock lock(mutex_);
  const std::uint64_t cancels = cancels_;
  const auto is_flushed = [&] { return unsettled_.empty() || *unsettled_.begin() > mark; };
  reported_.wait_until(lock, deadline, [&] { return is_flushed() || cancels_ != cancels; });
  if (is_flushed()) return {};
  return fail(cancels_ != cancels ? Errc::kCancelled : Errc::kTimeout,
              "records that were accepted before have no outcome yet");
}

void Intake::cancel_waits() {
  {
    const std::scoped_lock lock(mutex_);
    ++cancels_;
  }
  room_.notify_all();
  reported_.notify_all();
}

void Intake::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  room_.notify_all();
  reported_.notify_all();
}

bool Intake::is_closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

std::vector<Slot> Intake::set_topic(std::string_view name, std::uint32_t partitions) {
  const std::scoped_lock lock(mutex_);
  return accumulator_.set_topic(name, partitions);
}

void Intake::forget_topic(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  accumulator_.forget_topic(name);
}

std::vector<DraftBatch> Intake::take(Instant now, Instant too_old,
                                     const Accumulator::Sendable& sendable) {
  const std::scoped_lock lock(mutex_);
  return accumulator_.take(now, too_old, sendable);
}

void Intake::give_back(Slot slot, record::BatchBuilder builder) {
  const std::scoped_lock lock(mutex_);
  accumulator_.give_back(slot, std::move(builder));
}

Instant Intake::sleep_until(Instant next) {
  const std::scoped_lock lock(mutex_);
  sleeping_until_ = std::min(next, accumulator_.next_due());
  return sleeping_until_;
}

void Intake::count(const BatchOutcome& outcome) {
  if (!outcome.error) {
    stats_.records_delivered += outcome.records;
    stats_.bytes_delivered += outcome.bytes;
  } else if (outcome.error->outcome() == Outcome::kNotDone) {
    stats_.records_failed += outcome.records;
  } else {
    stats_.records_unknown += outcome.records;
  }
}

void Intake::answer_tickets(const Report& report) {
  for (const auto& [index, ticket] : report.outcome.ledger.waiting) {
    const auto it = tickets_.find(ticket);
    if (it != tickets_.end()) it->second = delivery_of(report, index);
  }
}

void Intake::settle(std::vector<BatchOutcome> outcomes, std::size_t released_bytes,
                    std::uint64_t requests, std::uint64_t retries) {
  bool wake_room = false;
  {
    const std::scoped_lock lock(mutex_);
    stats_.requests += requests;
    stats_.retries += retries;
    accumulator_.release(released_bytes);
    for (BatchOutcome& outcome : outcomes) {
      count(outcome);
      if (outcome.last_part) unsettled_.erase(outcome.id);
      Report report{std::move(outcome), {}};
      report.partition = accumulator_.partition_of(report.outcome.slot);
      answer_tickets(report);
      reports_.add(std::move(report.outcome), report.partition);
    }
    wake_room = waiting_for_room_ > 0;
  }
  if (wake_room) room_.notify_all();
  if (!outcomes.empty()) reported_.notify_all();
}

ProducerStats Intake::stats() const {
  const std::scoped_lock lock(mutex_);
  ProducerStats stats = stats_;
  stats.memory_bytes = accumulator_.memory_bytes();
  return stats;
}

}  // namespace penstock::client
