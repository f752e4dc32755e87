#include "broker/partition/compaction_queue.h"

#include <algorithm>
#include <utility>

#include "broker/partition/limits.h"
#include "broker/partition/partition.h"

namespace penstock::broker {

CompactionQueue::CompactionQueue(asio::any_io_executor shard, asio::any_io_executor background,
                                 const Clock& clock, const Limits& limits)
    : PacedQueue(std::move(shard), std::move(background), clock,
                 {.bytes_per_second = std::max<std::uint64_t>(limits.bytes_per_second, 1),
                  .start_delay = kCompactionStartDelay,
                  .idle_period = kCompactionIdlePeriod}),
      map_bytes_(limits.map_bytes),
      rng_(limits.seed) {}

bool CompactionQueue::begin_pass() {
  std::shared_ptr<Partition> dirtiest;
  double most = -1;
  visit([&](const std::shared_ptr<Partition>& partition) {
    if (!partition->is_compacted()) {
      partition->left_compaction_queue();
      return false;
    }
    const auto share = partition->prepare_compaction();
    if (share && *share > most) {
      most = *share;
      dirtiest = partition;
    }
    return true;
  });
  if (!dirtiest) return false;
  pass_ = dirtiest->begin_compaction(map_bytes_, rng_.next());
  partition_ = dirtiest;
  return true;
}

std::optional<PacedQueue::Piece> CompactionQueue::next_piece() {
  if (!pass_ && !begin_pass()) return std::nullopt;
  std::shared_ptr<Partition> partition = partition_.lock();
  // Gone, or not to be compacted any more. What lies beside its log goes when that is opened again,
  // or with the next pass.
  if (!pass_ || !partition || !partition->resume_compaction()) {
    pass_.reset();
    return Piece();
  }
  return [this, partition = std::move(partition), pass = *pass_]() -> Completion {
    return [this, partition, pass, status = pass.run()] {
      if (!partition->complete_compaction(pass, status)) pass_.reset();
      return std::max(pass.moved_bytes(), std::uint64_t{1});
    };
  };
}

}  // namespace penstock::broker
