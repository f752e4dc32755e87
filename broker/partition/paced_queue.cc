#include "broker/partition/paced_queue.h"

#include <algorithm>
#include <utility>

namespace penstock::broker {

PacedQueue::PacedQueue(asio::any_io_executor shard, asio::any_io_executor background,
                       const Clock& clock, const Pace& pace)
    : shard_(shard),
      background_(std::move(background)),
      clock_(clock),
      pace_(pace),
      timer_(shard),
      not_before_ms_(now_ms() + pace.start_delay.count()) {}

void PacedQueue::add(std::weak_ptr<Partition> partition) {
  line_.push_back(std::move(partition));
  arm(std::max<std::int64_t>(not_before_ms_ - now_ms(), 1));
}

void PacedQueue::stop() {
  stopped_ = true;
  timer_.cancel();
  line_.clear();
}

void PacedQueue::arm(std::int64_t wait_ms) {
  if (armed_ || stopped_ || under_way_ || line_.empty()) return;
  armed_ = true;
  timer_.expires_after(std::chrono::milliseconds(wait_ms));
  timer_.async_wait([this](boost::system::error_code error) {
    armed_ = false;
    if (!error) run_due();
  });
}

void PacedQueue::run_due() {
  if (stopped_ || under_way_) return;
  const std::int64_t early_ms = not_before_ms_ - now_ms();
  if (early_ms > 0) return arm(early_ms);
  auto piece = next_piece();
  if (!piece) return arm(pace_.idle_period.count());
  if (!*piece) return arm(1);
  run(*std::move(piece));
}

void PacedQueue::run(Piece piece) {
  under_way_ = true;
  asio::post(background_, [this, piece = std::move(piece)] {
    Completion complete = piece();
    asio::post(shard_, [this, complete = std::move(complete)] {
      under_way_ = false;
      const std::uint64_t bytes = complete();
      const auto took_ms = static_cast<std::int64_t>(bytes * 1'000 / pace_.bytes_per_second);
      not_before_ms_ = now_ms() + std::max<std::int64_t>(took_ms, 1);
      arm(std::max<std::int64_t>(took_ms, 1));
    });
  });
}

}  // namespace penstock::broker
