// PartitionPlacer: brings this broker's partitions to where the metadata wants them: opens what is
// placed here, ends what was deleted, and tells the shards of the new image.
//
// Invariants: images are taken in order, some may be skipped; a shard sees an image only when the
// partitions that it places here are open (or known to be damaged), so whoever is told of a topic
// finds it. Nothing goes because metadata does not mention it. Threads: place_everything() before
// the shards run, everything else on the admin shard. Failure: a partition that cannot be opened is
// damaged until try_again(); the others are served.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "broker/partition/vote_queue.h"
#include "broker/server/broker_context.h"
#include "broker/server/topic_folders.h"

namespace penstock::broker {

// A partition that shall be opened here, and what came of it.
struct Opening {
  TopicPtr topic;
  TopicPartition id;
  Result<Replica::Opened> replica;
  std::shared_ptr<GroupCoordinator> groups = nullptr;  // of a partition that holds groups
};

class PartitionPlacer {
 public:
  PartitionPlacer(BrokerContext& broker, const DataDir& dir, VoteQueue& votes,
                  asio::any_io_executor background, std::uint64_t seed);

  // Reads what was placed before. Blocking.
  Status load();
  // Metadata below was placed before this start. Only before the shards run.
  Offset placed() const { return folders_.placed(); }
  // An image that is older than what was followed before the start says nothing of today: a replica
  // that is placed there may have come and gone since.
  bool may_follow(const ClusterImage& image) const { return image.applied() >= caught_up_at_; }
  // Everything of the image, at once. Blocking, before the shards run. An error ends the start.
  Status place_everything(ImagePtr image);

  // There is a newer image; run() follows it.
  void follow(ImagePtr image);
  // Until cancelled.
  Task<void> run();

  // Everything below is placed and published.
  Offset reached() const { return done_->applied(); }
  // kTimeout.
  Task<Status> wait_for(Offset offset, std::chrono::steady_clock::time_point deadline);
  // Why some partition of the topic cannot be opened here, if so.
  std::optional<Error> trouble(const Uuid& topic) const;
  // Opens what could not be opened of the topic once more.
  void try_again(const Uuid& topic);

  // Replicas that went to trash long ago, or at all when the disk is short, are removed.
  Task<void> empty_trash();

  // The partition's group counts on this replica no more: it goes to trash.
  void retire(const TopicPartition& id);

 private:
  Task<void> bring_to(ImagePtr image);
  // Partitions that have a folder here, placed here or not. Blocking.
  std::set<TopicPartition> on_disk(const ClusterImage& image) const;
  // `left_over`: to be opened although they are not placed here.
  std::vector<Opening> what_to_open(const ClusterImage& image,
                                    const std::set<TopicPartition>& left_over);
  void open_all(std::vector<Opening>& openings, const ClusterImage& image) const;
  void remember(const std::vector<Opening>& openings);
  void hand_over(Shard& shard, Opening opening);
  Task<void> place(std::vector<Opening>& openings);
  Task<void> apply_settings(ImagePtr image);
  Task<void> publish(ImagePtr image);
  Task<void> end_deleted(ImagePtr image);
  Task<void> end_retired();
  Task<void> remove_files(Uuid id, std::string name);
  void clean_up(const ClusterImage& image);
  Status mark_placed(const ClusterImage& image);
  Task<void> note_placed(ImagePtr image);
  // The disk says that everything of the present image was placed here.
  bool is_marked() const { return broken_.empty() && folders_.placed() >= done_->applied(); }

  BrokerContext& broker_;
  TopicFolders folders_;
  asio::any_io_executor background_;
  const raft::NodeId self_;
  ImagePtr newest_ = std::make_shared<const ClusterImage>();
  ImagePtr done_ = newest_;
  Offset caught_up_at_;
  std::unordered_set<TopicPartition> here_;  // that are open
  std::map<TopicPartition, Error> broken_;   // that could not be opened
  std::set<Uuid> again_;                     // topics of broken ones, to be tried once more
  std::set<TopicPartition> retired_;
  std::set<Uuid> cleaning_;  // deleted topics whose files are on their way out
  Wakeup changed_;
};

}  // namespace penstock::broker
