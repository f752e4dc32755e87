// Decisions about topics and where their replicas are.
#include <algorithm>

#include "base/coding.h"
#include "broker/controller/cluster_state.h"
#include "broker/controller/limits.h"
#include "broker/controller/placement.h"

namespace penstock::broker {
namespace {

// Names of topics that Penstock itself will keep its state in.
constexpr std::string_view kReservedPrefix = "__penstock";
constexpr std::size_t kQuotedNameBytes = 64;

std::string quoted(std::string_view name) {
  return "'" + std::string(name.substr(0, kQuotedNameBytes)) +
         (name.size() > kQuotedNameBytes ? "...'" : "'");
}

Status check_name(std::string_view name) {
  if (!is_valid_topic_name(name)) {
    return fail(Errc::kInvalidTopicName,
                quoted(name) + ": " + std::string(info(Errc::kInvalidTopicName).meaning));
  }
  if (name.starts_with(kReservedPrefix)) {
    return fail(Errc::kInvalidTopicName, quoted(name) + ": names that begin with " +
                                             std::string(kReservedPrefix) + " are reserved");
  }
  return {};
}

Status check_partitions(std::uint32_t wanted, std::uint32_t now, std::uint64_t total) {
  if (wanted < 1 || wanted > kMaxPartitionsPerTopic) {
    return fail(Errc::kInvalidArgument, "a topic has 1 to " +
                                            std::to_string(kMaxPartitionsPerTopic) +
                                            " partitions, not " + std::to_string(wanted));
  }
  if (total - now + wanted > kMaxPartitions) {
    return fail(Errc::kOverloaded, "the cluster would have more than " +
                                       std::to_string(kMaxPartitions) +
                                       " partitions; delete topics that are not needed");
  }
  return {};
}

Status check_replication_factor(std::uint32_t wanted) {
  if (wanted >= 1 && wanted <= kMaxReplicationFactor) return {};
  return fail(Errc::kInvalidArgument, "a replication factor is 1 to " +
                                          std::to_string(kMaxReplicationFactor) + ", not " +
                                          std::to_string(wanted));
}

// Plans differ from topic to topic and from one time to the next, and are the same everywhere.
std::uint64_t seed_of(const Uuid& id, Offset applied) {
  return load_le<std::uint64_t>(id.bytes.data()) ^ static_cast<std::uint64_t>(applied.value());
}

}  // namespace

Result<TopicPtr> ClusterState::existing(std::string_view name) const {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return fail(Errc::kUnknownTopic, "no topic " + quoted(name));
  return found->second;
}

Result<Decision<Uuid>> ClusterState::handle(const CreateTopic& command) const {
  PENSTOCK_TRY(check_name(command.name));
  if (topics_.contains(command.name)) {
    return fail(Errc::kTopicExists, "topic " + quoted(command.name) + " exists already");
  }
  if (topics_.size() >= kMaxTopics) {
    return fail(Errc::kOverloaded,
                "there are " + std::to_string(kMaxTopics) + " topics; delete some first");
  }
  if (deleted_.size() >= kMaxDeletedTopics) {
    return fail(Errc::kOverloaded, "the files of " + std::to_string(deleted_.size()) +
                                       " deleted topics are still to be removed; start the brokers "
                                       "that hold them, or remove those brokers");
  }
  PENSTOCK_TRY(check_partitions(command.partitions, 0, partition_count_));
  std::uint32_t replicas = command.replication_factor;
  if (replicas == 0) {
    replicas = brokers_.active() >= kDefaultReplicationFactor ? kDefaultReplicationFactor : 1;
  }
  PENSTOCK_TRY(check_replication_factor(replicas));
  PENSTOCK_TRY_ASSIGN(SettingMap settings, canonical_settings(command.settings));
  PENSTOCK_TRY(resolve_settings(settings));
  Placer placer(placement_brokers(brokers_.all(), topics_), seed_of(command.id, applied_));
  PENSTOCK_TRY_ASSIGN(auto placement, placer.place(command.partitions, replicas));
  return Decision<Uuid>{.records = {TopicCreated{.id = command.id,
                                                 .name = command.name,
                                                 .partitions = command.partitions,
                                                 .replication_factor = replicas,
                                                 .at = command.now,
                                                 .settings = std::move(settings),
                                                 .placement = std::move(placement)}},
                        .answer = command.id};
}

Result<Decision<Uuid>> ClusterState::handle(const DeleteTopic& command) const {
  PENSTOCK_TRY_ASSIGN(const TopicPtr topic, existing(command.name));
  return Decision<Uuid>{.records = {TopicDeleted{topic->id, command.now}}, .answer = topic->id};
}

Result<Decision<Uuid>> ClusterState::handle(const AlterTopic& command) const {
  PENSTOCK_TRY_ASSIGN(const TopicPtr topic, existing(command.name));
  TopicAltered altered{topic->id, topic->partitions, topic->own_settings};
  if (command.partitions != 0) {
    if (command.partitions < topic->partitions) {
      return fail(Errc::kInvalidArgument,
                  "topic " + quoted(command.name) + " has " + std::to_string(topic->partitions) +
                      " partitions and cannot shrink to " + std::to_string(command.partitions));
    }
    PENSTOCK_TRY(check_partitions(command.partitions, topic->partitions, partition_count_));
    altered.partitions = command.partitions;
  }
  for (const std::string& name : command.reset) {
    if (find_setting(name) == nullptr) PENSTOCK_TRY(canonical_settings({{name, ""}}));
    altered.settings.erase(name);
  }
  PENSTOCK_TRY_ASSIGN(const SettingMap changed, canonical_settings(command.set));
  for (const auto& [name, value] : changed) altered.settings.insert_or_assign(name, value);
  PENSTOCK_TRY(resolve_settings(altered.settings));
  if (altered.partitions > topic->partitions) {
    Placer placer(placement_brokers(brokers_.all(), topics_), seed_of(topic->id, applied_));
    PENSTOCK_TRY_ASSIGN(altered.placement, placer.place(altered.partitions - topic->partitions,
                                                        topic->replication_factor));
  }
  Decision<Uuid> decision{.records = {}, .answer = topic->id};
  if (altered.partitions != topic->partitions || altered.settings != topic->own_settings) {
    decision.records = {std::move(altered)};
  }
  return decision;
}

Result<Decision<Uuid>> ClusterState::handle(const ForgetTopic& command) const {
  Decision<Uuid> decision{.records = {}, .answer = command.id};
  const auto found = deleted_.find(command.id);
  if (found == deleted_.end()) return decision;
  if (command.broker != raft::kNobody && !contains(found->second.awaited, command.broker)) {
    return decision;
  }
  decision.records = {TopicForgotten{command.id, command.broker}};
  return decision;
}

Result<Decision<Uuid>> ClusterState::handle(const MoveReplicas& command) const {
  PENSTOCK_TRY_ASSIGN(const TopicPtr topic, existing(command.topic));
  const std::string name = command.topic + "/" + std::to_string(command.partition.value());
  if (command.partition.value() < 0 ||
      static_cast<std::uint32_t>(command.partition.value()) >= topic->partitions) {
    return fail(Errc::kUnknownPartition, "no partition " + name);
  }
  const PartitionImage& now = topic->partition(command.partition);
  if (command.planned_at && *command.planned_at != now.placed_at) {
    return fail(Errc::kChangeInProgress, name + " was placed anew since the move was planned");
  }
  if (command.replicas.size() != topic->replication_factor) {
    return fail(Errc::kInvalidArgument, name + " has replication factor " +
                                            std::to_string(topic->replication_factor) +
                                            ", so it is placed on as many brokers, not on " +
                                            std::to_string(command.replicas.size()));
  }
  if (const auto fault = fault_in(command.replicas)) {
    return fail(Errc::kInvalidArgument,
                name + " cannot be placed on " + to_string(command.replicas) + ": " + *fault);
  }
  const auto all = placement_brokers(brokers_.all(), topics_);
  for (const raft::NodeId broker : command.replicas) {
    if (now.has(broker)) continue;
    const auto& target = *std::ranges::find(all, broker, &PlacementBroker::id);
    if (!target.open) {
      return fail(Errc::kInvalidArgument, "broker " + std::to_string(broker.value()) +
                                              " is not active and takes no replicas");
    }
    if (target.replicas >= kMaxPartitionsPerBroker) {
      return fail(Errc::kOverloaded, "broker " + std::to_string(broker.value()) + " would have " +
                                         "more than " + std::to_string(kMaxPartitionsPerBroker) +
                                         " partitions");
    }
  }
  Decision<Uuid> decision{.records = {}, .answer = topic->id};
  if (command.replicas != now.brokers()) {
    decision.records = {ReplicasPlaced{.topic = topic->id,
                                       .replication_factor = topic->replication_factor,
                                       .partitions = {{command.partition, command.replicas}}}};
  }
  return decision;
}

Result<Decision<Uuid>> ClusterState::handle(const ChangeReplicationFactor& command) const {
  PENSTOCK_TRY_ASSIGN(const TopicPtr topic, existing(command.topic));
  PENSTOCK_TRY(check_replication_factor(command.replication_factor));
  Decision<Uuid> decision{.records = {}, .answer = topic->id};
  if (command.replication_factor == topic->replication_factor) return decision;
  Placer placer(placement_brokers(brokers_.all(), topics_), seed_of(topic->id, applied_));
  ReplicasPlaced placed{
      .topic = topic->id, .replication_factor = command.replication_factor, .partitions = {}};
  for (std::uint32_t p = 0; p < topic->partitions; ++p) {
    PENSTOCK_TRY_ASSIGN(ReplicaList replicas,
                        placer.resize(topic->placement[p]->brokers(), command.replication_factor));
    placed.partitions.push_back({PartitionId(static_cast<std::int32_t>(p)), std::move(replicas)});
  }
  decision.records = {std::move(placed)};
  return decision;
}

}  // namespace penstock::broker
