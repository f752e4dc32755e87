#include "broker/partition/checkpoint_queue.h"

#include "broker/partition/limits.h"
#include "broker/partition/partition.h"

namespace penstock::broker {

void CheckpointQueue::add(std::shared_ptr<Partition> dirty) {
  listed_.push_back(std::move(dirty));
  arm();
}

void CheckpointQueue::stop() {
  stopped_ = true;
  timer_.cancel();
  listed_.clear();
}

void CheckpointQueue::arm() {
  if (armed_ || stopped_ || listed_.empty()) return;
  armed_ = true;
  timer_.expires_after(kCheckpointPeriod);
  timer_.async_wait([this](boost::system::error_code) {
    armed_ = false;
    begin_due();
    arm();
  });
}

void CheckpointQueue::begin_due() {
  for (auto it = listed_.begin(); it != listed_.end() && under_way_ < kMaxCheckpointsUnderWay;) {
    if (!(*it)->is_dirty()) {
      (*it)->left_checkpoint_queue();
      it = listed_.erase(it);
    } else if ((*it)->wants_checkpoint()) {
      run(std::move(*it));
      it = listed_.erase(it);
    } else {
      ++it;
    }
  }
}

void CheckpointQueue::run(std::shared_ptr<Partition> partition) {
  ++under_way_;
  ReplicaCheckpoint ticket = partition->begin_checkpoint();
  asio::post(background_, [this, partition = std::move(partition), ticket]() mutable {
    const std::int64_t begun_ns = clock_.steady_ns();
    Status status = ticket.run();
    const std::int64_t took_ns = clock_.steady_ns() - begun_ns;
    asio::post(shard_, [this, partition = std::move(partition), ticket = std::move(ticket),
                        status = std::move(status), took_ns]() mutable {
      --under_way_;
      partition->complete_checkpoint(ticket, status, took_ns);
      if (partition->is_dirty() && !stopped_) {
        listed_.push_back(std::move(partition));
      } else {
        partition->left_checkpoint_queue();
      }
      if (!stopped_) begin_due();
      arm();
    });
  });
}

}  // namespace penstock::broker
