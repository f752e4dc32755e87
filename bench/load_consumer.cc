#include "bench/load_consumer.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace penstock::bench {
namespace {

using std::chrono::milliseconds;

// Between two looks at whether the run is over.
constexpr milliseconds kPollWait{20};
// When nothing at all comes for so long, something is broken and the run ends with an error.
constexpr std::int64_t kReadPatienceNs = 30'000'000'000;

}  // namespace

Result<std::unique_ptr<LoadConsumer>> LoadConsumer::open(const BenchConfig& config,
                                                         std::vector<client::Assignment> assignment,
                                                         OnRecord on_record) {
  std::unique_ptr<LoadConsumer> load(new LoadConsumer(std::move(on_record)));
  client::ClientConfig client{.bootstrap = config.bootstrap, .client_name = "penstock-bench"};
  PENSTOCK_TRY_ASSIGN(load->client_, client::Client::open(std::move(client)));
  client::ConsumerConfig consumer;
  if (config.memory_limit_bytes) consumer.memory_limit_bytes = *config.memory_limit_bytes;
  PENSTOCK_TRY_ASSIGN(load->consumer_, client::Consumer::open(*load->client_, consumer));
  std::int32_t highest = -1;
  for (const auto& one : assignment) highest = std::max(highest, one.partition.value());
  load->positions_.resize(static_cast<std::size_t>(highest + 1));
  PENSTOCK_TRY(load->consumer_->assign(std::move(assignment)));
  return load;
}

LoadConsumer::~LoadConsumer() {
  if (reader_.joinable()) reader_.join();
}

void LoadConsumer::run(std::function<bool()> done) {
  reader_ = std::thread([this, done = std::move(done)] { read_status_ = read_all(done); });
}

Status LoadConsumer::read_all(const std::function<bool()>& done) {
  std::int64_t last_ns = system_clock().steady_ns();
  while (!done()) {
    PENSTOCK_TRY_ASSIGN(auto chunks, consumer_->poll(kPollWait));
    for (client::Chunk& chunk : chunks) PENSTOCK_TRY(take(chunk));
    const std::int64_t now = system_clock().steady_ns();
    if (!chunks.empty()) {
      last_ns = now;
      outcome_.end_ns = now;
    }
    if (now - last_ns > kReadPatienceNs) {
      const auto why = consumer_->stats().last_error;
      return fail(Errc::kTimeout, "nothing came for 30 s" + (why ? ": " + why->to_string() : ""));
    }
  }
  return {};
}

Status LoadConsumer::take(client::Chunk& chunk) {
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
    if (!record) break;
    ++outcome_.records;
    if (record->value) outcome_.value_bytes += record->value->size();
    if (on_record_) on_record_(chunk.partition(), *record);
  }
  outcome_.batch_bytes += chunk.batches().size();
  positions_[static_cast<std::size_t>(chunk.partition().value())] = chunk.next_offset();
  return {};
}

Offset LoadConsumer::position(PartitionId partition) const {
  return positions_[static_cast<std::size_t>(partition.value())];
}

Result<ReadOutcome> LoadConsumer::finish() {
  reader_.join();
  outcome_.fetches = consumer_->stats().fetches;
  PENSTOCK_TRY(read_status_);
  PENSTOCK_TRY(consumer_->close());
  return outcome_;
}

std::vector<std::vector<client::Assignment>> deal_partitions(const std::string& topic,
                                                             std::uint32_t partitions,
                                                             std::uint32_t consumers,
                                                             client::StartAt start) {
  std::vector<std::vector<client::Assignment>> hands(std::min(consumers, partitions));
  for (std::uint32_t p = 0; p < partitions; ++p) {
    hands[p % hands.size()].push_back(
        {.topic = topic, .partition = PartitionId(static_cast<std::int32_t>(p)), .start = start});
  }
  return hands;
}

}  // namespace penstock::bench
