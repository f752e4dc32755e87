// ClusterImage: the cluster's metadata at one point of its log, immutable, for readers on any
// thread.
//
// Lifetime: images share what did not change between them, so a new one costs about as much as what
// is new in it. Offsets in an image are offsets of the metadata log: they are the epochs of
// placement, and larger means later.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/types.h"
#include "broker/controller/metadata_record.h"
#include "broker/controller/topic_settings.h"
#include "broker/raft/types.h"

namespace penstock::broker {

struct BrokerImage {
  raft::NodeId id;
  Uuid directory;
  std::string host;  // empty: it never told (it was always alone), or another broker is there now
  std::uint16_t port = 0;
  std::string rack;
  Timestamp started_at;
  BrokerMode mode = BrokerMode::kActive;

  // May be given replicas and leadership.
  bool is_active() const { return mode == BrokerMode::kActive; }
  // Its replicas shall move away.
  bool is_leaving() const {
    return mode == BrokerMode::kDraining || mode == BrokerMode::kDecommissioning;
  }
  friend bool operator==(const BrokerImage&, const BrokerImage&) = default;
};

struct ReplicaImage {
  raft::NodeId broker;
  // Metadata offset from which on the broker was a replica without a break. A folder that is
  // missing although the broker placed everything below a later offset was lost; it is not new.
  Offset since;
  friend bool operator==(const ReplicaImage&, const ReplicaImage&) = default;
};

struct PartitionImage {
  std::vector<ReplicaImage> replicas;  // the first one should lead
  Offset placed_at;                    // the placement epoch
  ReplicaList founders;                // first voters of the partition's log, sorted

  bool has(raft::NodeId broker) const;
  ReplicaList brokers() const;  // of `replicas`, in order
  friend bool operator==(const PartitionImage&, const PartitionImage&) = default;
};

using PartitionPtr = std::shared_ptr<const PartitionImage>;

struct TopicImage {
  Uuid id;
  std::string name;
  std::uint32_t partitions = 0;
  std::uint32_t replication_factor = 1;
  Timestamp created_at;
  // Metadata offset of the record that gave partition p (the index) its place: partitions that were
  // added later have a larger one.
  std::map<std::uint32_t, Offset> placed_from;  // first partition of a growth step -> offset
  SettingMap own_settings;
  TopicSettings settings;               // own_settings over the defaults
  std::vector<PartitionPtr> placement;  // one a partition

  // Offset of the metadata record that brought the partition into being. partition < partitions.
  Offset created_offset(PartitionId partition) const;
  // partition < partitions.
  const PartitionImage& partition(PartitionId partition) const;
  // With whom the broker begins the partition's log when it has none: the founders when it was a
  // replica from the beginning, nobody when it joined later (the leader will tell it). Whoever left
  // and came back never counts as a founder: it would have forgotten its votes. Nor does one whose
  // folder was there once: below `placed_before` (when that is known) everything was placed, and
  // the image of a broker that was just started may be older than that.
  ReplicaList first_voters(PartitionId partition, raft::NodeId broker,
                           std::optional<Offset> placed_before = std::nullopt) const;
  // Whether the broker must have a replica: it is placed there, or it is a founder that never began
  // its log. Without the founders nobody could lead, and move the partition to where it is placed.
  bool is_wanted_at(PartitionId partition, raft::NodeId broker, Offset placed_before) const;
};

using TopicPtr = std::shared_ptr<const TopicImage>;

// A deleted topic whose files may still be on disks.
struct DeletedTopic {
  std::string name;
  ReplicaList awaited;  // brokers that have not said yet that nothing is left there; sorted
  friend bool operator==(const DeletedTopic&, const DeletedTopic&) = default;
};

class ClusterImage {
 public:
  using Brokers = std::map<raft::NodeId, BrokerImage>;
  using Topics = std::map<std::string, TopicPtr, std::less<>>;
  using TopicsById = std::unordered_map<Uuid, TopicPtr>;
  using Deleted = std::map<Uuid, DeletedTopic>;

  // The parts, each shared with the images in which it is the same.
  struct Parts {
    std::shared_ptr<const Brokers> brokers = std::make_shared<const Brokers>();
    std::shared_ptr<const Topics> topics = std::make_shared<const Topics>();
    std::shared_ptr<const TopicsById> topics_by_id = std::make_shared<const TopicsById>();
    std::shared_ptr<const Deleted> deleted = std::make_shared<const Deleted>();
  };

  ClusterImage() = default;
  ClusterImage(Parts parts, Offset applied, Term leader_epoch)
      : parts_(std::move(parts)), applied_(applied), leader_epoch_(leader_epoch) {}

  const Brokers& brokers() const { return *parts_.brokers; }
  const BrokerImage* find(raft::NodeId broker) const;      // null: unknown
  const Topics& topics() const { return *parts_.topics; }  // by name
  TopicPtr find(std::string_view name) const;              // null: unknown
  TopicPtr find(const Uuid& id) const;                     // null: unknown
  const Deleted& deleted() const { return *parts_.deleted; }
  Term leader_epoch() const { return leader_epoch_; }  // of every partition, on one broker
  Offset applied() const { return applied_; }          // behind the last applied record

 private:
  Parts parts_;
  Offset applied_;
  Term leader_epoch_;
};

using ImagePtr = std::shared_ptr<const ClusterImage>;

}  // namespace penstock::broker
