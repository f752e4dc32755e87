// Shard: one thread with one event loop, the partitions that live on it, and its RPC listener.
//
// Threads: everything but executor() and start_thread()/stop_thread() belongs to the shard's thread
// once that runs; others post. Lifetime: stop_thread() before destruction.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/controller/cluster_image.h"
#include "broker/host/catch_up_pace.h"
#include "broker/host/limits.h"
#include "broker/partition/limits.h"
#include "broker/partition/partition.h"
#include "broker/peer/peers.h"
#include "broker/server/group_coordinator.h"
#include "broker/server/leader_table.h"
#include "protocol/rpc/server.h"

namespace penstock::broker {

class ReplicaUpkeep;

// Who leads a partition, as far as is known; kNobody: nobody.
struct KnownLeader {
  raft::NodeId leader = raft::kNobody;
  Term term{0};
};

// A request that waits and must hear of a deadline or of the broker's end.
class Waiting : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual ~Waiting() = default;
  virtual void time_passed(std::int64_t now_ns) = 0;
  virtual void draining() = 0;
};

struct ShardServices {
  asio::any_io_executor flush_pool;
  asio::any_io_executor background_pool;
  const Clock* clock = nullptr;
  DiskGuard* disk = nullptr;
  VoteQueue* votes = nullptr;
  PartitionObserver* observer = nullptr;
  std::function<void(const Error&)> on_fatal;
  PeerIdentity self;
  // This shard's shares.
  std::uint64_t scrub_bytes_per_second = kScrubBytesPerSecond;
  std::uint64_t catch_up_bytes_per_second = kCatchUpBytesPerSecond;
  std::uint64_t compaction_bytes_per_second = kCompactionBytesPerSecond;
  std::size_t compaction_map_bytes = storage::kCompactionMapBytes;
  std::uint64_t compaction_seed = 0;
};

class Shard {
 public:
  Shard(std::size_t index, const ShardServices& services);
  ~Shard();

  std::size_t index() const { return index_; }
  asio::any_io_executor executor() { return io_.get_executor(); }
  bool is_here() { return io_.get_executor().running_in_this_thread(); }
  // Blocking, before the thread runs.
  void run_until(const std::function<bool()>& done);
  // ... until every partition has begun to take part.
  void run_until_settled();
  void start_thread();
  void stop_thread();

  PartitionServices& partition_services() { return services_; }
  const Clock& clock() const { return *services_.clock; }

  // --- partitions
  // kUnknownTopic, kUnknownPartition; kNotLeader for one that is elsewhere; kPartitionDamaged for
  // one that could not be opened.
  Result<Partition*> find(const TopicPartition& id) const;
  // ... and starts it.
  void place(std::shared_ptr<Partition> partition);
  void place_broken(const TopicPartition& id, Error why);
  // The partition if there is one; it is served no longer.
  std::shared_ptr<Partition> remove(const TopicPartition& id);
  std::vector<std::shared_ptr<Partition>> partitions() const;
  // ... and the metadata group, when it lives here.
  std::vector<std::shared_ptr<Partition>> groups() const;
  std::size_t broken_partitions() const;

  // The groups of a partition of __consumer_offsets; before the partition is placed.
  void place_groups(const std::shared_ptr<Partition>& partition,
                    const std::shared_ptr<GroupCoordinator>& groups);
  // kNotLeader where they are not coordinated.
  Result<std::shared_ptr<GroupCoordinator>> find_groups(const TopicPartition& id) const;
  const std::map<TopicPartition, std::shared_ptr<GroupCoordinator>>& coordinators() const {
    return coordinators_;
  }
  // Ticks them until cancelled.
  Task<void> tend_groups();
  void stop_groups();

  // The metadata group, on the shard where it lives; it is no topic's and found by no request.
  void set_metadata(std::shared_ptr<Partition> partition) { metadata_ = std::move(partition); }

  // --- other brokers
  Peers& peers() { return peers_; }
  // What the leader of a partition of this shard told.
  void hear(const LeaderNews& news);
  const LeaderTable& leaders() const { return leaders_; }
  // What the replica here knows, or what a leader of a larger term told everybody.
  KnownLeader leader_of(const TopicPartition& id) const;
  // What another broker sent; dropped when the group has no replica here.
  void receive(const GroupMessage& message);

  const ImagePtr& image() const { return image_; }
  void set_image(ImagePtr image);

  // What the shard does by itself for its replicas; begins with start_upkeep().
  const ReplicaUpkeep& upkeep() const { return *upkeep_; }
  void start_upkeep(std::unique_ptr<ReplicaUpkeep> upkeep);

  // --- requests that wait
  void add_waiting(Waiting& waiting);
  void begin_draining();
  bool is_draining() const { return draining_; }
  // Rotates the order in which requests read their partitions.
  std::size_t next_turn() { return turn_++; }

  // --- the shard's own coroutines and its listener
  TaskGroup& tasks() { return tasks_; }
  CheckpointQueue& checkpoints() { return checkpoints_; }
  TickQueue& ticks() { return ticks_; }
  ScrubQueue& scrubs() { return scrubs_; }
  CompactionQueue& compactions() { return compactions_; }
  rpc::Server& server() const { return *server_; }
  void set_server(std::unique_ptr<rpc::Server> server) { server_ = std::move(server); }
  void close_server() { server_.reset(); }

 private:
  struct Placed {
    std::shared_ptr<Partition> partition;  // null: broken
    Error why{Errc::kOk};
  };
  void arm_waiting_timer();

  const std::size_t index_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> busy_{io_.get_executor()};
  std::thread thread_;
  FlushQueue flushes_;
  CheckpointQueue checkpoints_;
  TickQueue ticks_;
  ScrubQueue scrubs_;
  CompactionQueue compactions_;
  CatchUpPace catch_up_;
  PartitionServices services_;
  Peers peers_;
  LeaderTable leaders_;
  const raft::NodeId self_;
  TaskGroup tasks_;
  std::shared_ptr<Partition> metadata_;
  std::map<TopicPartition, std::shared_ptr<GroupCoordinator>> coordinators_;
  Wakeup groups_have_work_;
  std::unique_ptr<ReplicaUpkeep> upkeep_;
  std::unordered_map<TopicPartition, Placed> partitions_;
  ImagePtr image_ = std::make_shared<const ClusterImage>();
  boost::intrusive::list<Waiting, boost::intrusive::constant_time_size<false>> waiting_;
  asio::steady_timer waiting_timer_;
  bool waiting_timer_armed_ = false;
  bool draining_ = false;
  std::size_t turn_ = 0;
  std::unique_ptr<rpc::Server> server_;
};

}  // namespace penstock::broker
