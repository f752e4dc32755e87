// ClusterState: the metadata state machine: commands are decided on the present state, records
// change it.
//
// A command handler is const: it returns the records that would carry the command out, and its
// answer. The host makes the records durable, then applies them, and only then releases the answer.
// Invariants: apply() is the only mutator, and it alone, fed with the same records, gives the same
// state anywhere. Threads: one at a time; image() may be shared freely.
// Failure: a command that cannot be carried out is an error for its sender. apply() fails only for
// a record that contradicts the state, which means a damaged or foreign metadata log (kCorrupt).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "broker/controller/cluster_image.h"
#include "broker/controller/metadata_record.h"

namespace penstock::broker {

struct CreateTopic {
  std::string name;
  std::uint32_t partitions = 0;
  std::uint32_t replication_factor = 0;  // 0: the cluster's default
  SettingMap settings;
  Uuid id;  // fresh, from the host's randomness
  Timestamp now;
};
struct DeleteTopic {
  std::string name;
  Timestamp now;
};
struct AlterTopic {
  std::string name;
  SettingMap set;
  std::vector<std::string> reset;
  std::uint32_t partitions = 0;  // 0: unchanged
};
struct StartBroker {
  std::int32_t broker_id = 0;
  Uuid directory;
  Timestamp now;
};
struct ForgetTopic {
  Uuid id;
};

template <typename Answer>
struct Decision {
  std::vector<MetadataRecord> records;  // made durable together or not at all; may be empty
  Answer answer;
};

class ClusterState {
 public:
  Result<Decision<Uuid>> handle(const CreateTopic& command) const;
  Result<Decision<Uuid>> handle(const DeleteTopic& command) const;
  Result<Decision<Uuid>> handle(const AlterTopic& command) const;
  Result<Decision<Term>> handle(const StartBroker& command) const;
  Result<Decision<Uuid>> handle(const ForgetTopic& command) const;

  Status apply(Offset offset, const MetadataRecord& record);

  ImagePtr image() const;
  // Deleted topics whose files may still be on disk, with the name they had.
  const std::map<Uuid, std::string>& deleted() const { return deleted_; }
  Term leader_epoch() const { return leader_epoch_; }
  std::uint64_t partition_count() const { return partition_count_; }

 private:
  Status apply_one(Offset offset, const BrokerStarted& record);
  Status apply_one(Offset offset, const TopicCreated& record);
  Status apply_one(Offset offset, const TopicAltered& record);
  Status apply_one(Offset offset, const TopicDeleted& record);
  Status apply_one(Offset offset, const TopicForgotten& record);
  Result<TopicPtr> existing(std::string_view name) const;

  ClusterImage::Topics topics_;
  std::map<Uuid, TopicPtr> by_id_;
  std::map<Uuid, std::string> deleted_;
  std::uint64_t partition_count_ = 0;
  Term leader_epoch_{0};
  Offset applied_;
};

}  // namespace penstock::broker
