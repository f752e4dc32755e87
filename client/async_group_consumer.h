// AsyncGroupConsumer: a member of a group on an executor: its heartbeats, the way to what it reads,
// its commits. What the application decides (when to let go) comes in.
//
// Threads: the cluster's executor; clock(), shelf() and has_change() from any. Lifetime: await
// close() before destruction; the cluster outlives it. Failure: as client/group_consumer.h says.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/task.h"
#include "client/async_consumer.h"
#include "client/coordinator.h"
#include "client/group_codec.h"
#include "client/group_consumer.h"
#include "client/member_core.h"

namespace penstock::client {

// When the application asked last, told by its thread and read by the client's.
class PollClock {
 public:
  void begin() { in_poll_ = true; }
  void end(Instant now) {
    polled_ = now.time_since_epoch().count();
    in_poll_ = false;
  }
  milliseconds since(Instant now) const {
    if (in_poll_) return milliseconds(0);
    const Instant polled{Instant::duration(polled_.load())};
    return std::max(std::chrono::duration_cast<milliseconds>(now - polled), milliseconds(0));
  }

 private:
  std::atomic<bool> in_poll_ = false;
  std::atomic<Instant::rep> polled_ = std::chrono::steady_clock::now().time_since_epoch().count();
};

class AsyncGroupConsumer {
 public:
  // kInvalidArgument for a config out of range.
  static Result<std::unique_ptr<AsyncGroupConsumer>> open(Cluster& cluster, GroupConfig config);
  ~AsyncGroupConsumer();

  // --- what poll() has to do
  bool has_change() const { return has_change_; }
  struct Turn {
    std::vector<GroupPartition> lost;
    std::vector<GroupPartition> revoked;
    std::vector<GroupPartition> assigned;
  };
  Turn next_turn();
  // The application has let go of what was lost or revoked in this turn.
  void let_go(const std::vector<GroupPartition>& partitions);
  // What was assigned is fetched from now on; those of it that are still the member's.
  std::vector<GroupPartition> begin(const std::vector<GroupPartition>& partitions);
  // Why the group cannot be joined, for good.
  std::optional<Error> fatal() const { return core_.fatal(); }

  // --- positions
  Task<Status> commit(std::vector<GroupCommit> positions);
  // Everything that was taken from the shelf and is not committed yet.
  Task<Status> commit_taken();
  Task<Result<std::vector<GroupCommit>>> committed();

  std::vector<GroupPartition> assignment() const;
  GroupStats stats() const;
  PollClock& clock() { return clock_; }
  AsyncConsumer& fetcher() { return *fetcher_; }
  Shelf& shelf() { return fetcher_->shelf(); }

  // Leaves, unless it is no member; then ends. What is still read is given up.
  Task<Status> close();

 private:
  AsyncGroupConsumer(Cluster& cluster, GroupConfig config);

  Task<void> run();
  Task<void> beat(MemberCore::Heartbeat heartbeat);
  void look_around();
  Task<void> prepare(GroupPartitions partitions);
  Task<Result<std::vector<SeatStart>>> look_up(const GroupPartitions& partitions);
  Task<Result<std::vector<wire::v1::GroupPosition>>> fetch_positions(GroupPartitions partitions);
  Task<Status> commit_once(const std::vector<GroupCommit>& positions, rpc::Deadline deadline);
  Task<Status> wait_for_answer(std::uint64_t seen, rpc::Deadline deadline);
  Task<Status> leave();

  // None: its topic's name was never told.
  std::optional<GroupPartition> named(const TopicPartition& id) const;
  std::vector<GroupPartition> named(const GroupPartitions& ids) const;
  GroupPartitions ids_of(const std::vector<GroupPartition>& partitions) const;

  Cluster& cluster_;
  const GroupConfig config_;
  MemberCore core_;
  Coordinator coordinator_;
  std::unique_ptr<AsyncConsumer> fetcher_;
  PollClock clock_;
  std::atomic<bool> has_change_ = false;
  TopicNamesById names_;
  std::map<TopicPartition, SeatStart> starts_;       // of what is prepared
  std::uint32_t failed_lookups_ = 0;                 // since one succeeded
  std::map<TopicPartition, Offset> last_committed_;  // of what is read
  Wakeup wakeup_;                                    // something may be due
  Wakeup answered_;                                  // a heartbeat was
  GroupStats stats_;
  bool closing_ = false;
  TaskGroup tasks_;
};

}  // namespace penstock::client
