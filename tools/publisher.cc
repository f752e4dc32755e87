#include "tools/publisher.h"

#include <unistd.h>

#include <iostream>

#include "tools/interrupt.h"
#include "tools/limits.h"
#include "tools/terminal.h"

namespace penstock::tools {
namespace {

constexpr std::string_view kClearLine = "\r\x1b[K";
// Looking at outcomes takes a lock; that often it does not show.
constexpr std::uint64_t kRecordsBetweenLooks = 256;

}  // namespace

Publisher::Publisher(client::Producer& producer, FdSource& source, PublisherOptions options)
    : producer_(producer),
      source_(source),
      options_(std::move(options)),
      input_(open_record_input(source, options_.input)),
      clock_(system_clock()),
      started_ns_(clock_.steady_ns()),
      limiter_(options_.rate, started_ns_),
      redraw_(std::chrono::nanoseconds(kProgressInterval).count()),
      terminal_width_(terminal_width(STDERR_FILENO)) {
  for (const auto& [name, value] : options_.headers) {
    headers_.push_back({.key = name, .value = as_bytes(value)});
  }
  tally_.topic = options_.topic;
  tally_.input_is_file = source_.size().has_value() && !source_.is_standard_input();
  source_.on_idle([this]() -> Status {
    draw_progress();
    return look_at_outcomes();
  });
}

ProduceTally Publisher::run() {
  publish_all();
  tally_.resume_line = input_->resume_line();
  flush();
  if (terminal_width_ > 0) std::cerr << kClearLine << std::flush;
  return std::move(tally_);
}

void Publisher::publish_all() {
  while (true) {
    if (interrupted()) return stop(ProduceEnd::kInterrupted, std::nullopt);
    const auto record = input_->next();
    if (!record) {
      if (input_->is_bad_line()) {
        if (refuse(record.error())) continue;
        return;
      }
      const bool user = record.error().code() == Errc::kCancelled;
      // An outcome that ended the wait for input has been noted already.
      if (tally_.end == ProduceEnd::kDelivery) return;
      return user ? stop(ProduceEnd::kInterrupted, std::nullopt)
                  : stop(ProduceEnd::kFailure, record.error());
    }
    if (!*record) return;
    if (!publish(**record)) return;
    if (++accepted_ % kRecordsBetweenLooks == 0 && !look_at_outcomes()) return;
    draw_progress();
  }
}

bool Publisher::publish(const InputRecord& record) {
  if (options_.rate > 0 && !sleep_until(limiter_.take())) {
    stop(ProduceEnd::kInterrupted, std::nullopt);
    return false;
  }
  std::optional<ByteView> key;
  if (record.key) {
    key = as_bytes(*record.key);
  } else if (options_.key) {
    key = as_bytes(*options_.key);
  }
  const std::size_t payload = record.value.size() + (key ? key->size() : 0);
  if (payload > options_.max_record_bytes) {
    return refuse(
        Error(Errc::kRecordTooLarge, "line " + std::to_string(record.line) + ": the record has " +
                                         std::to_string(payload) + " bytes, the topic takes " +
                                         std::to_string(options_.max_record_bytes) +
                                         " (settings max_record_bytes and max_batch_bytes)"));
  }
  const Status accepted = producer_.produce({.topic = options_.topic,
                                             .partition = options_.partition,
                                             .key = key,
                                             .value = as_bytes(record.value),
                                             .timestamp = std::nullopt,
                                             .headers = headers_,
                                             .tag = record.line});
  if (accepted) {
    tally_.value_bytes += record.value.size();
    return true;
  }
  if (accepted.error().code() == Errc::kRecordTooLarge) {
    return refuse(Error(accepted.error()).context("line " + std::to_string(record.line)));
  }
  stop(ProduceEnd::kFailure, accepted.error());
  return false;
}

bool Publisher::refuse(const Error& error) {
  if (options_.on_bad_line == OnBadLine::kStop) {
    stop(ProduceEnd::kBadLine, error);
    return false;
  }
  if (++tally_.bad_lines <= kMaxReportedBadLines) {
    std::cerr << (terminal_width_ > 0 ? kClearLine : "") << "passed over: " << error.message()
              << "\n";
  } else if (tally_.bad_lines == kMaxReportedBadLines + 1) {
    std::cerr << "further bad lines are only counted\n";
  }
  return true;
}

void Publisher::take_outcomes() {
  for (const client::Delivery& delivery : producer_.poll(client::milliseconds(0))) {
    if (!delivery.error) continue;
    if (options_.on_bad_line == OnBadLine::kPassOver && is_refusal(*delivery.error)) {
      ++tally_.refused;
      refuse(Error(*delivery.error).context("line " + std::to_string(delivery.tag)));
    } else {
      note_failure(tally_, delivery);
    }
  }
}

Status Publisher::look_at_outcomes() {
  take_outcomes();
  if (!tally_.failed_line) return {};
  stop_for_failed_line();
  return fail(Errc::kCancelled, "a record was not delivered");
}

void Publisher::stop_for_failed_line() {
  Error error(*tally_.failed_error);
  stop(ProduceEnd::kDelivery,
       std::move(error).context("line " + std::to_string(*tally_.failed_line)));
}

void Publisher::stop(ProduceEnd end, std::optional<Error> error) {
  tally_.end = end;
  tally_.error = std::move(error);
}

void Publisher::flush() {
  const bool hurry = tally_.end == ProduceEnd::kInterrupted;
  const auto limit =
      hurry ? std::chrono::milliseconds(kInterruptedFlushTimeout) : options_.delivery_timeout;
  // A timeout shows in the outcomes: what has none by then failed or is unknown.
  (void)producer_.close(limit);
  take_outcomes();
  tally_.delivered = producer_.stats();
  tally_.seconds = static_cast<double>(clock_.steady_ns() - started_ns_) / 1e9;
  if (tally_.failed_line && tally_.end == ProduceEnd::kEndOfInput) stop_for_failed_line();
}

void Publisher::draw_progress() {
  const std::int64_t now_ns = clock_.steady_ns();
  if (terminal_width_ == 0 || !redraw_.due(now_ns)) return;
  std::cerr << kClearLine
            << progress_line({.records = accepted_,
                              .bytes = input_->bytes_consumed(),
                              .total_bytes = source_.size(),
                              .seconds = static_cast<double>(now_ns - started_ns_) / 1e9},
                             terminal_width_ - 1)
            << std::flush;
}

}  // namespace penstock::tools
