// ReplicaUpkeep: what a shard does by itself for its replicas: leads them to where placement wants
// them, tells all brokers who leads, and lets those go that nobody counts on.
//
// Nothing is remembered that matters: every look compares what is with what metadata wants
// (broker/controller/reconcile.h), so a change goes on under the next leader, after any crash.
// Invariants: a replica goes only as retirement.h says, by news of a leader whose term is not older
// than the replica's own, and not before this broker has caught up with the metadata. Threads: the
// shard's. Lifetime: run() ends when it is cancelled; the shard outlives it. Failure: a step that
// is refused is looked at again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "broker/server/broker_context.h"
#include "broker/server/log_end_history.h"
#include "broker/server/replica_steps.h"
#include "broker/server/shard.h"

namespace penstock::broker {

class ReplicaUpkeep {
 public:
  // `retire`: the group counts on the replica no more, it may go to trash.
  ReplicaUpkeep(const BrokerContext& broker, Shard& shard,
                std::function<void(const TopicPartition&)> retire);

  // Until cancelled.
  Task<void> run();
  // Leadership changed hands on this shard: look at once, not at the next period.
  void leadership_changed() { changed_.notify_all(); }

  // Of a partition that is led here, for status: for how long a follower that holds everything
  // below `durable_end` has been behind.
  std::int64_t behind_ms(const TopicPartition& id, Offset durable_end) const;

 private:
  struct Led {
    Term term;
    std::int64_t since_ms = 0;
    LedMemory memory;
    LogEndHistory ends;
    // Last told: the placement that the membership was brought to, and whether it was committed.
    std::optional<Offset> told_placed_at;
    bool told_membership = false;
  };
  struct Known {
    std::uint64_t seen_in_pass = 0;
    Offset placed_at{-1};  // newest placement that had this broker; -1: not known
    bool retired = false;
    std::unique_ptr<Led> led;
  };
  // A partition that is led here and not as it shall be.
  struct Open {
    std::shared_ptr<Partition> partition;
    Led* led;
    LedGroup group;
  };

  // True when a step was taken, or is about to be completed.
  bool look_at_everything();
  void take_image();
  void look(const std::shared_ptr<Partition>& partition);
  void look_at_led(const std::shared_ptr<Partition>& partition, const PartitionImage& placed,
                   Known& known);
  void note_news(const Partition& partition, const PartitionImage& placed, Led& led);
  void look_at_unplaced(const Partition& partition, Known& known);
  bool take_steps();
  bool carry_out(const Step& step, Partition& partition);
  void announce();
  void forget_gone();

  const BrokerContext& broker_;
  Shard& shard_;
  const std::function<void(const TopicPartition&)> retire_;
  const raft::NodeId self_;
  Wakeup changed_;

  ImagePtr image_;
  ReplicaList must_not_lead_;
  std::unordered_map<TopicPartition, Known> known_;
  std::int64_t now_ms_ = 0;
  std::uint64_t pass_ = 0;
  std::int64_t announce_all_at_ms_ = 0;
  bool announces_all_ = false;

  // --- of one look
  std::size_t present_ = 0;
  std::vector<Open> open_;
  std::vector<LeaderNews> news_;
};

}  // namespace penstock::broker
