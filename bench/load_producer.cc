#include "bench/load_producer.h"

#include <sys/prctl.h>

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "bench/load_stamp.h"

namespace penstock::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Longer than a delivery may take: when it passes, the client is at fault, not the load.
constexpr milliseconds kFlushTimeout{150'000};
// How long the collector sleeps at most when nothing comes; only the end of a run waits for it.
constexpr milliseconds kCollectWait{20};
// A sender that asks the clock for each record would measure the clock.
constexpr std::uint64_t kRecordsPerClockRead = 16;
// After that many refusals in a row the run is over: what refuses now will refuse again.
constexpr std::uint64_t kMaxRefusals = 3;

std::int64_t now_ns() { return system_clock().steady_ns(); }

void sleep_until(std::int64_t due_ns) {
  const std::int64_t wait = due_ns - now_ns();
  if (wait > 0) std::this_thread::sleep_for(nanoseconds(wait));
}

client::ProducerConfig producer_config(const BenchConfig& config) {
  client::ProducerConfig out;
  out.durability = config.durability;
  out.codec = config.codec;
  out.reports = config.latency == LatencyReports::kAll ? client::DeliveryReports::kAll
                                                       : client::DeliveryReports::kErrorsOnly;
  if (config.batch_bytes) out.batch_bytes = *config.batch_bytes;
  if (config.linger_ms) out.linger = milliseconds(*config.linger_ms);
  if (config.memory_limit_bytes) out.memory_limit_bytes = *config.memory_limit_bytes;
  return out;
}

}  // namespace

void LoadOutcome::add(const LoadOutcome& other) {
  sent += other.sent;
  delivered += other.delivered;
  failed += other.failed;
  unknown += other.unknown;
  requests += other.requests;
  retries += other.retries;
  batch_bytes += other.batch_bytes;
  end_ns = std::max(end_ns, other.end_ns);
  if (first_error.empty()) first_error = other.first_error;
  latency.merge(other.latency);
}

LoadProducer::LoadProducer(const BenchConfig& config, std::string topic)
    : topic_(std::move(topic)),
      latency_reports_(config.latency),
      payloads_(config.seed, config.record_bytes),
      stamped_(config.record_bytes) {}

Result<std::unique_ptr<LoadProducer>> LoadProducer::open(const BenchConfig& config,
                                                         const std::string& topic) {
  std::unique_ptr<LoadProducer> load(new LoadProducer(config, topic));
  client::ClientConfig client{.bootstrap = config.bootstrap, .client_name = "penstock-bench"};
  PENSTOCK_TRY_ASSIGN(load->client_, client::Client::open(std::move(client)));
  PENSTOCK_TRY_ASSIGN(load->producer_,
                      client::Producer::open(*load->client_, producer_config(config)));
  const client::ProducerRecord warmup{
      .topic = topic, .partition = {}, .key = {}, .value = load->payloads_.at(0), .timestamp = {}};
  PENSTOCK_TRY_ASSIGN(const client::Delivery delivery, load->producer_->produce_and_wait(warmup));
  if (delivery.error != nullptr) return fail(Error(*delivery.error).context("first record"));
  load->warmup_records_ = 1;
  return load;
}

LoadProducer::~LoadProducer() {
  if (sender_.joinable()) sender_.join();
  if (collector_.joinable()) collector_.join();
}

void LoadProducer::run(const LoadPlan& plan) {
  sender_ = std::thread([this, plan] { send_all(plan); });
  collector_ = std::thread([this, plan] { collect(plan); });
}

bool LoadProducer::send_one(const LoadPlan& plan, std::uint64_t index, std::int64_t due_ns) {
  ByteView value = payloads_.at(index);
  if (plan.run) {
    std::ranges::copy(value, stamped_.begin());
    Stamp{.run = *plan.run, .due_ns = due_ns, .producer = plan.producer, .number = index}.write(
        stamped_);
    value = stamped_;
  }
  const Status accepted = producer_->produce({.topic = topic_,
                                              .partition = {},
                                              .key = {},
                                              .value = value,
                                              .timestamp = {},
                                              .tag = static_cast<std::uint64_t>(due_ns)});
  if (accepted) return true;
  ++refused_;
  if (refusal_.empty()) refusal_ = accepted.error().to_string();
  return false;
}

void LoadProducer::send_all(const LoadPlan& plan) {
  // The default slack of 50 us would be part of every latency that is measured.
  ::prctl(PR_SET_TIMERSLACK, 1UL);
  std::optional<OpenLoop> schedule;
  if (plan.rate > 0) schedule.emplace(plan.start_ns, plan.rate);
  const bool time_each = latency_reports_ == LatencyReports::kAll;
  std::int64_t now = now_ns();
  std::uint64_t refused_in_a_row = 0;
  for (std::uint64_t i = 0; plan.records == 0 || i < plan.records; ++i) {
    if (schedule) {
      now = schedule->due_ns(i);
      if (now >= plan.stop_ns) break;
      sleep_until(now);
    } else {
      if (time_each || i % kRecordsPerClockRead == 0) now = now_ns();
      if (now >= plan.stop_ns) break;
    }
    refused_in_a_row = send_one(plan, i, now) ? 0 : refused_in_a_row + 1;
    if (refused_in_a_row == kMaxRefusals) break;
  }
  flush_status_ = producer_->flush(kFlushTimeout);
  end_ns_ = now_ns();
  flushed_ = true;
}

void LoadProducer::collect(const LoadPlan& plan) {
  while (true) {
    const bool last = flushed_;  // read first: what came before the flush ended is polled below
    const auto deliveries = producer_->poll(kCollectWait);
    const std::int64_t now = now_ns();
    for (const client::Delivery& delivery : deliveries) {
      const auto due_ns = static_cast<std::int64_t>(delivery.tag);
      if (delivery.error != nullptr) {
        if (answers_.first_error.empty()) answers_.first_error = delivery.error->to_string();
      } else if (due_ns >= plan.measure_from_ns) {
        answers_.latency.record(now - due_ns);
      }
    }
    if (last && deliveries.empty()) return;
  }
}

Result<LoadOutcome> LoadProducer::finish() {
  sender_.join();
  collector_.join();
  const client::ProducerStats stats = producer_->stats();
  LoadOutcome outcome = std::move(answers_);
  outcome.sent = stats.records_accepted - warmup_records_;
  outcome.delivered = stats.records_delivered - warmup_records_;
  outcome.failed = stats.records_failed + refused_;
  outcome.unknown = stats.records_unknown;
  outcome.requests = stats.requests;
  outcome.retries = stats.retries;
  outcome.batch_bytes = stats.bytes_delivered;
  outcome.end_ns = end_ns_;
  if (outcome.first_error.empty()) outcome.first_error = refusal_;
  PENSTOCK_TRY(flush_status_);
  PENSTOCK_TRY(producer_->close(kFlushTimeout));
  return outcome;
}

}  // namespace penstock::bench
