// MetadataGroup: the cluster's metadata on this broker: the controller's state machine on the
// replicated log of group 0.
//
// Every broker is a member of the group and applies all of it; who leads it is the controller. A
// command is decided there, stands on the disks of a majority of the voters, is applied, and only
// then answered. Invariants: image() grows by whole decisions, in the order of the log. Threads:
// the admin shard's; image changes are told to `changed` on it. Lifetime: stop() and the
// partition's close() before destruction. Failure: see StateHost.submit() for commands; what the
// log holds and cannot be applied is handed to on_fatal().
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "base/result.h"
#include "base/task.h"
#include "broker/controller/cluster_state.h"
#include "broker/host/state_host.h"
#include "broker/partition/partition.h"
#include "broker/server/data_dir.h"

namespace penstock::broker {

// The group that is no topic's.
inline constexpr TopicPartition kMetadataGroupId{};
inline constexpr std::string_view kMetadataName = "__metadata";

class MetadataGroup {
 public:
  using Machine = StateOf<ClusterState, &decode_metadata_record>;

  // Opens or begins the log, restores the newest snapshot and applies what is known to be
  // committed. Blocking, before the shard runs. kCorrupt, kUnsupportedVersion: the broker cannot be
  // started on it.
  static Result<std::unique_ptr<MetadataGroup>> open(const DataDir& dir,
                                                     const PartitionServices& services,
                                                     std::uint64_t seed);
  ~MetadataGroup();

  // Called after every change of image(), and of who leads.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  // Decides and carries out a command of ClusterState.handle(). Anything but success, kTimeout and
  // kShuttingDown: it had no effect. kNotLeader when this broker is not the controller.
  template <typename Command>
  auto carry_out(Command command)
      -> Task<Result<decltype(std::declval<const ClusterState&>().handle(command)->answer)>>;

  // Whether the command would be carried out, as far as this broker knows.
  template <typename Command>
  Status check(const Command& command) const {
    PENSTOCK_TRY(machine_.state().handle(command));
    return {};
  }

  // As applied here.
  const ProducerRegistry& producers() const { return machine_.state().producers(); }
  const ImagePtr& image() const { return image_; }
  Offset applied() const { return image_->applied(); }
  // Leads, and knows everything that was ever committed.
  bool is_controller() const { return host_->is_ready(); }
  raft::NodeId controller() const { return host_->leader(); }  // kNobody: not known

  // Whether an image that goes up to `applied` has everything that was committed when this broker
  // heard from the controller last, and that was after `since_ms`. Any thread.
  bool is_current(Offset applied, std::int64_t since_ms) const {
    return (leads_ || current_at_ms_ > since_ms) && applied.value() >= current_to_;
  }

  Partition& partition() { return *partition_; }
  const std::shared_ptr<Partition>& partition_ptr() const { return partition_; }

  // Answers all who wait for a command; later ones are refused with kShuttingDown.
  void stop();

 private:
  explicit MetadataGroup(const PartitionServices& services);
  bool follow(const ReplicaOutput& output);
  void take_image();
  void note_current();
  void make_snapshot();

  // Not those of producers, whose stages are measured.
  class Unobserved;
  std::unique_ptr<PartitionObserver> observer_;
  PartitionServices services_;
  Machine machine_;
  std::unique_ptr<StateSnapshots> snapshots_;
  std::shared_ptr<Partition> partition_;
  std::unique_ptr<StateHost> host_;
  ImagePtr image_ = std::make_shared<const ClusterImage>();
  std::function<void()> changed_;
  bool told_fatal_ = false;
  // --- for other threads; the offset is written first, and read last
  std::atomic<std::int64_t> current_to_ = 0;
  std::atomic<std::int64_t> current_at_ms_ = -1;
  std::atomic<bool> leads_ = false;
};

template <typename Command>
auto MetadataGroup::carry_out(Command command)
    -> Task<Result<decltype(std::declval<const ClusterState&>().handle(command)->answer)>> {
  using Answer = Result<decltype(std::declval<const ClusterState&>().handle(command)->answer)>;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(
      [this](auto handler, Command wanted) {
        // The answer may come from within the pump: whoever waits goes on after it.
        broker::carry_out(*host_, machine_, std::move(wanted),
                          [handler = std::make_shared<decltype(handler)>(std::move(handler)),
                           shard = services_.shard](Answer answer) {
                            asio::post(shard, [handler, answer = std::move(answer)]() mutable {
                              std::move (*handler)(std::move(answer));
                            });
                          });
        partition_->drive();
      },
      asio::use_awaitable, std::move(command));
}

}  // namespace penstock::broker
