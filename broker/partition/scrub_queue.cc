#include "broker/partition/scrub_queue.h"

#include <algorithm>
#include <utility>

#include "broker/partition/limits.h"
#include "broker/partition/partition.h"

namespace penstock::broker {

ScrubQueue::ScrubQueue(asio::any_io_executor shard, asio::any_io_executor background,
                       const Clock& clock, std::uint64_t bytes_per_second)
    : PacedQueue(std::move(shard), std::move(background), clock,
                 {.bytes_per_second = std::max<std::uint64_t>(bytes_per_second, 1),
                  .start_delay = kScrubStartDelay,
                  .idle_period = kScrubIdlePeriod}) {}

// The one in the middle of its pass, or else the one whose last pass is longest ago.
std::shared_ptr<Partition> ScrubQueue::next_due() {
  std::shared_ptr<Partition> begun;
  std::shared_ptr<Partition> oldest;
  visit([&](const std::shared_ptr<Partition>& partition) {
    if (!partition->can_be_scrubbed()) return false;
    const ScrubState& state = partition->replica().scrub();
    if (state.pass_bytes > 0) begun = partition;
    const bool is_due =
        state.finished_ms < 0 || now_ms() - state.finished_ms >= kScrubPeriod.count();
    if (is_due && (!oldest || state.finished_ms < oldest->replica().scrub().finished_ms)) {
      oldest = partition;
    }
    return true;
  });
  return begun ? begun : oldest;
}

std::optional<PacedQueue::Piece> ScrubQueue::next_piece() {
  std::shared_ptr<Partition> partition = next_due();
  if (!partition) return std::nullopt;
  auto work = partition->begin_scrub(kScrubPieceBytes);
  if (!work) return Piece();  // the pass is over, and cost nothing
  return [partition = std::move(partition), work = *std::move(work)]() -> Completion {
    return [partition, result = work.run()] {
      const std::uint64_t bytes = result ? result->batches.size() : kScrubPieceBytes;
      partition->complete_scrub(result);
      return bytes;
    };
  };
}

}  // namespace penstock::broker
