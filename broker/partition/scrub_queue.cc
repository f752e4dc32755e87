#include "broker/partition/scrub_queue.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/partition/limits.h"
#include "broker/partition/partition.h"

namespace penstock::broker {
namespace {

std::int64_t now_ms(const Clock& clock) { return clock.steady_ns() / 1'000'000; }

}  // namespace

ScrubQueue::ScrubQueue(asio::any_io_executor shard, asio::any_io_executor background,
                       const Clock& clock, std::uint64_t bytes_per_second)
    : shard_(shard),
      background_(std::move(background)),
      clock_(clock),
      bytes_per_second_(std::max<std::uint64_t>(bytes_per_second, 1)),
      timer_(shard),
      not_before_ms_(now_ms(clock) + kScrubStartDelay.count()) {}

void ScrubQueue::add(std::weak_ptr<Partition> partition) {
  line_.push_back(std::move(partition));
  arm(kScrubStartDelay.count());
}

void ScrubQueue::stop() {
  stopped_ = true;
  timer_.cancel();
  line_.clear();
}

void ScrubQueue::arm(std::int64_t wait_ms) {
  if (armed_ || stopped_ || under_way_ || line_.empty()) return;
  armed_ = true;
  timer_.expires_after(std::chrono::milliseconds(wait_ms));
  timer_.async_wait([this](boost::system::error_code error) {
    armed_ = false;
    if (!error) run_due();
  });
}

// The one in the middle of its pass, or else the one whose last pass is longest ago.
std::shared_ptr<Partition> ScrubQueue::next_due() {
  std::shared_ptr<Partition> oldest;
  for (auto it = line_.begin(); it != line_.end();) {
    auto partition = it->lock();
    if (!partition || !partition->can_be_scrubbed()) {
      it = line_.erase(it);
      continue;
    }
    ++it;
    const ScrubState& state = partition->replica().scrub();
    if (state.pass_bytes > 0) return partition;
    const bool is_due =
        state.finished_ms < 0 || now_ms(clock_) - state.finished_ms >= kScrubPeriod.count();
    if (!is_due) continue;
    if (!oldest || state.finished_ms < oldest->replica().scrub().finished_ms) {
      oldest = std::move(partition);
    }
  }
  return oldest;
}

void ScrubQueue::run_due() {
  if (stopped_ || under_way_) return;
  const std::int64_t early_ms = not_before_ms_ - now_ms(clock_);
  if (early_ms > 0) return arm(early_ms);
  if (auto partition = next_due()) return read_piece(std::move(partition));
  arm(kScrubIdlePeriod.count());
}

void ScrubQueue::read_piece(std::shared_ptr<Partition> partition) {
  auto work = partition->begin_scrub(kScrubPieceBytes);
  if (!work) return arm(1);  // the pass is over, and cost nothing
  under_way_ = true;
  asio::post(
      background_, [this, partition = std::move(partition), work = *std::move(work)]() mutable {
        auto result = work.run();
        asio::post(
            shard_, [this, partition = std::move(partition), result = std::move(result)]() mutable {
              under_way_ = false;
              const std::uint64_t bytes = result ? result->batches.size() : kScrubPieceBytes;
              partition->complete_scrub(result);
              const auto took_ms = static_cast<std::int64_t>(bytes * 1'000 / bytes_per_second_);
              not_before_ms_ = now_ms(clock_) + std::max<std::int64_t>(took_ms, 1);
              arm(std::max<std::int64_t>(took_ms, 1));
            });
      });
}

}  // namespace penstock::broker
