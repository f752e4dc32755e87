// TopicFolders: the folders of topics on disk: made, opened, moved to trash and removed.
//
// Invariants: nothing is ever removed because metadata does not know it: only what metadata says
// was deleted is moved to trash, and only trash is emptied. A partition whose folder was there once
// and is missing now is damaged, never silently made anew; the file `placed` tells once from never.
// Threads: blocking; one caller at a time, on a pool or before the broker serves.
// Format of `placed`: the metadata offset in decimal and a line feed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "broker/controller/cluster_image.h"
#include "broker/host/replica.h"
#include "broker/server/data_dir.h"
#include "broker/server/group_coordinator.h"

namespace penstock::broker {

class TopicFolders {
 public:
  // What this broker voted for in a group; blocking.
  using KnownVote = std::function<std::optional<raft::HardState>(const TopicPartition&)>;

  TopicFolders(const DataDir& dir, const Clock& clock, KnownVote known_vote, std::uint64_t seed)
      : dir_(dir), clock_(clock), known_vote_(std::move(known_vote)), seed_(seed) {}

  // Reads `placed`.
  Status load();
  // Metadata below was placed here once.
  Offset placed() const { return placed_; }
  // Every partition whose record lies below `applied` has its folder, durably.
  Status mark_placed(Offset applied);

  // Opens this broker's replica of the partition, whose next term is above `term_floor`; makes its
  // folder if that never was. When it is gone: kPartitionDamaged if nobody else has the records;
  // else it is made anew, and the others fill it. Never on the flush pool.
  Result<Replica::Opened> open_partition(const TopicImage& topic, PartitionId partition,
                                         Term term_floor) const;
  // The groups that the partition's log is about. Blocking, as above.
  Result<std::shared_ptr<GroupCoordinator>> open_groups(const TopicImage& topic,
                                                        PartitionId partition,
                                                        Replica& replica) const;
  // Partitions of the topic that have a folder here, placed here or not.
  Result<std::vector<PartitionId>> folders_of(const TopicImage& topic) const;
  // Makes the topic's folder and its entries durable; call after its partitions were opened.
  Status sync_topic(const TopicImage& topic) const;

  // Moves the folder of a deleted topic to trash; nothing to do when it is not there.
  Status trash(const Uuid& id, const std::string& name) const;
  // Moves one replica to trash, where it stays for a while: until empty_old_trash().
  Status trash_partition(const TopicImage& topic, PartitionId partition) const;
  // Removes replicas that went to trash before `before`; returns how many.
  Result<std::size_t> empty_old_trash(Timestamp before) const;
  // Removes the topic's folder from trash; nothing to do when it is not there.
  Status empty_trash(const Uuid& id, const std::string& name) const;

  // At start: topics' folders that belong to neither living nor deleted topics, for the log.
  Result<std::vector<std::string>> unknown_folders(
      const ClusterImage& image, const std::map<Uuid, std::string>& deleted) const;

 private:
  bool was_placed(const PartitionImage& partition, raft::NodeId self) const;
  std::string placed_file() const { return dir_.path() + "/placed"; }

  const DataDir& dir_;
  const Clock& clock_;
  const KnownVote known_vote_;
  const std::uint64_t seed_;
  Offset placed_;  // records below it
};

}  // namespace penstock::broker
