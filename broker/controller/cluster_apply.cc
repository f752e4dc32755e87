// What records do to the state; each is checked against it first, so that a damaged log is noticed.
#include <algorithm>

#include "broker/controller/cluster_state.h"
#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

Error contradiction(Offset offset, const std::string& what) {
  return {Errc::kCorrupt,
          "metadata record at offset " + std::to_string(offset.value()) + " " + what};
}

Status checked(Offset offset, const std::optional<std::string>& fault) {
  if (fault) return fail(contradiction(offset, *fault));
  return {};
}

// Settings that stand in the log; names or values of a newer release are not passed over.
Result<TopicSettings> recorded_settings(Offset offset, const SettingMap& own) {
  const auto known = canonical_settings(own);
  if (!known) return fail(contradiction(offset, "holds " + known.error().message()));
  auto settings = resolve_settings(own);
  if (!settings) return fail(contradiction(offset, "holds " + settings.error().message()));
  return settings;
}

PartitionPtr founded(const ReplicaList& replicas, Offset offset) {
  PartitionImage placed{.replicas = {}, .placed_at = offset, .founders = replicas};
  for (const raft::NodeId broker : replicas) placed.replicas.push_back({broker, offset});
  std::ranges::sort(placed.founders);
  return std::make_shared<const PartitionImage>(std::move(placed));
}

// Who stays keeps the offset from which on it was there.
PartitionPtr moved(const PartitionImage& now, const ReplicaList& replicas, Offset offset) {
  PartitionImage placed{.replicas = {}, .placed_at = offset, .founders = now.founders};
  for (const raft::NodeId broker : replicas) {
    const auto stays = std::ranges::find(now.replicas, broker, &ReplicaImage::broker);
    placed.replicas.push_back(
        stays == now.replicas.end() ? ReplicaImage{.broker = broker, .since = offset} : *stays);
  }
  return std::make_shared<const PartitionImage>(std::move(placed));
}

bool is_replication_factor(std::uint32_t number) {
  return number >= 1 && number <= kMaxReplicationFactor;
}

}  // namespace

// --- brokers

Status ClusterState::apply_one(Offset offset, const BrokerStarted& record) {
  if (record.leader_epoch <= leader_epoch_) {
    return fail(contradiction(offset, "does not raise the leader epoch"));
  }
  PENSTOCK_TRY(checked(offset, brokers_.apply(record)));
  leader_epoch_ = record.leader_epoch;
  parts_.brokers = nullptr;
  return {};
}

Status ClusterState::apply_one(Offset offset, const BrokerRegistered& record) {
  PENSTOCK_TRY(checked(offset, brokers_.apply(record)));
  parts_.brokers = nullptr;
  return {};
}

Status ClusterState::apply_one(Offset offset, const BrokerModeChanged& record) {
  PENSTOCK_TRY(checked(offset, brokers_.apply(record)));
  parts_.brokers = nullptr;
  return {};
}

Status ClusterState::apply_one(Offset offset, const BrokerRemoved& record) {
  if (holds_replicas(record.broker)) {
    return fail(contradiction(offset, "removes a broker that holds replicas"));
  }
  PENSTOCK_TRY(checked(offset, brokers_.apply(record)));
  // Nobody waits for what a removed broker might still have on its disk.
  for (auto& [id, topic] : deleted_) std::erase(topic.awaited, record.broker);
  std::erase_if(deleted_, [](const auto& entry) { return entry.second.awaited.empty(); });
  parts_.brokers = nullptr;
  parts_.deleted = nullptr;
  return {};
}

// --- topics

void ClusterState::put(TopicPtr topic) {
  parts_.topics = nullptr;
  by_id_[topic->id] = topic;
  topics_[topic->name] = std::move(topic);
}

std::optional<std::string> ClusterState::fault_in(const ReplicaList& replicas) const {
  if (replicas.empty()) return "a partition needs a replica";
  ReplicaList sorted = replicas;
  std::ranges::sort(sorted);
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const std::string name = "broker " + std::to_string(sorted[i].value());
    if (!brokers_.all().contains(sorted[i])) return name + " is unknown";
    if (i > 0 && sorted[i] == sorted[i - 1]) return name + " would hold two replicas";
  }
  return std::nullopt;
}

// A record that says nothing of placement was written when the cluster was the one broker that had
// started.
Status ClusterState::add_partitions(Offset offset, TopicImage& topic, std::uint32_t partitions,
                                    const std::vector<ReplicaList>& placement) const {
  const std::uint32_t added = partitions - topic.partitions;
  if (added == 0 && placement.empty()) return {};
  if (!placement.empty() && placement.size() != added) {
    return fail(contradiction(offset, "places another number of partitions than it makes"));
  }
  const ReplicaList alone{brokers_.last_started()};
  for (std::uint32_t i = 0; i < added; ++i) {
    const ReplicaList& replicas = placement.empty() ? alone : placement[i];
    if (const auto fault = fault_in(replicas)) {
      return fail(contradiction(offset, "places a partition wrongly: " + *fault));
    }
    if (replicas.size() != topic.replication_factor) {
      return fail(contradiction(offset, "places a partition on too few or too many brokers"));
    }
    topic.placement.push_back(founded(replicas, offset));
  }
  topic.placed_from[topic.partitions] = offset;
  topic.partitions = partitions;
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicCreated& record) {
  if (!is_valid_topic_name(record.name) || record.partitions < 1 ||
      record.partitions > kMaxPartitionsPerTopic ||
      !is_replication_factor(record.replication_factor)) {
    return fail(contradiction(offset, "creates an impossible topic"));
  }
  if (topics_.contains(record.name) || by_id_.contains(record.id) || deleted_.contains(record.id)) {
    return fail(contradiction(offset, "creates a topic that exists: " + record.name));
  }
  auto topic = std::make_shared<TopicImage>();
  topic->id = record.id;
  topic->name = record.name;
  topic->replication_factor = record.replication_factor;
  topic->created_at = record.at;
  topic->own_settings = record.settings;
  PENSTOCK_TRY_ASSIGN(topic->settings, recorded_settings(offset, record.settings));
  PENSTOCK_TRY(add_partitions(offset, *topic, record.partitions, record.placement));
  partition_count_ += record.partitions;
  put(std::move(topic));
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicAltered& record) {
  const auto found = by_id_.find(record.id);
  if (found == by_id_.end()) return fail(contradiction(offset, "alters an unknown topic"));
  auto topic = std::make_shared<TopicImage>(*found->second);
  const std::uint32_t before = topic->partitions;
  if (record.partitions < before || record.partitions > kMaxPartitionsPerTopic) {
    return fail(contradiction(offset, "shrinks a topic"));
  }
  PENSTOCK_TRY_ASSIGN(topic->settings, recorded_settings(offset, record.settings));
  topic->own_settings = record.settings;
  PENSTOCK_TRY(add_partitions(offset, *topic, record.partitions, record.placement));
  partition_count_ += record.partitions - before;
  put(std::move(topic));
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicDeleted& record) {
  const auto found = by_id_.find(record.id);
  if (found == by_id_.end()) return fail(contradiction(offset, "deletes an unknown topic"));
  // All brokers, not only those that hold it now: files of former replicas may be left elsewhere.
  DeletedTopic deleted{.name = found->second->name, .awaited = {}};
  for (const auto& [id, broker] : brokers_.all()) deleted.awaited.push_back(id);
  partition_count_ -= found->second->partitions;
  deleted_[record.id] = std::move(deleted);
  topics_.erase(found->second->name);
  by_id_.erase(found);
  parts_.topics = nullptr;
  parts_.deleted = nullptr;
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicForgotten& record) {
  const auto found = deleted_.find(record.id);
  if (found == deleted_.end()) {
    return fail(contradiction(offset, "forgets a topic that was not deleted"));
  }
  ReplicaList& awaited = found->second.awaited;
  if (record.broker == raft::kNobody) {
    awaited.clear();
  } else if (std::erase(awaited, record.broker) == 0) {
    return fail(contradiction(offset, "forgets a topic where it was not"));
  }
  if (awaited.empty()) deleted_.erase(found);
  parts_.deleted = nullptr;
  return {};
}

Status ClusterState::apply_one(Offset offset, const ReplicasPlaced& record) {
  const auto found = by_id_.find(record.topic);
  if (found == by_id_.end()) return fail(contradiction(offset, "places an unknown topic"));
  auto topic = std::make_shared<TopicImage>(*found->second);
  if (!is_replication_factor(record.replication_factor) ||
      (record.replication_factor != topic->replication_factor &&
       record.partitions.size() != topic->partitions)) {
    return fail(contradiction(offset, "changes the replication factor of some partitions only"));
  }
  std::int64_t last = -1;
  for (const auto& [partition, replicas] : record.partitions) {
    if (partition.value() <= last ||
        static_cast<std::uint32_t>(partition.value()) >= topic->partitions) {
      return fail(contradiction(offset, "places partitions that are not there, or out of order"));
    }
    last = partition.value();
    const auto fault = fault_in(replicas);
    if (fault || replicas.size() != record.replication_factor) {
      return fail(contradiction(offset, "places a partition wrongly: " +
                                            fault.value_or("not as many brokers as replicas")));
    }
    PartitionPtr& placed = topic->placement[static_cast<std::size_t>(last)];
    placed = moved(*placed, replicas, offset);
  }
  topic->replication_factor = record.replication_factor;
  put(std::move(topic));
  return {};
}

// --- producers

Status ClusterState::apply_one(Offset offset, const ProducerIdsAllocated& record) {
  if (!brokers_.all().contains(record.broker)) {
    return fail(contradiction(offset, "allocates producer numbers for an unknown broker"));
  }
  return checked(offset, producers_.apply(record));
}

Status ClusterState::apply_one(Offset offset, const ProducerRegistered& record) {
  return checked(offset, producers_.apply(record));
}

Status ClusterState::apply_one(Offset offset, const ProducerForgotten& record) {
  return checked(offset, producers_.apply(record));
}

}  // namespace penstock::broker
