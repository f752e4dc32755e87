#include "broker/controller/cluster_state.h"

#include <limits>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

// Names of topics that Penstock itself will keep its state in.
constexpr std::string_view kReservedPrefix = "__penstock";
// There is one broker so far.
constexpr std::uint32_t kReplicationFactor = 1;
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
  if (total - now + wanted > kMaxPartitionsPerBroker) {
    return fail(Errc::kOverloaded, "the broker would have more than " +
                                       std::to_string(kMaxPartitionsPerBroker) +
                                       " partitions; delete topics that are not needed");
  }
  return {};
}

Error contradiction(Offset offset, const std::string& what) {
  return {Errc::kCorrupt,
          "metadata record at offset " + std::to_string(offset.value()) + " " + what};
}

// Settings that stand in the log; names or values of a newer release are not passed over.
Result<TopicSettings> recorded_settings(Offset offset, const SettingMap& own) {
  const auto known = canonical_settings(own);
  if (!known) return fail(contradiction(offset, "holds " + known.error().message()));
  auto settings = resolve_settings(own);
  if (!settings) return fail(contradiction(offset, "holds " + settings.error().message()));
  return settings;
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
  PENSTOCK_TRY(check_partitions(command.partitions, 0, partition_count_));
  if (command.replication_factor > kReplicationFactor) {
    return fail(Errc::kInvalidArgument, "replication factor " +
                                            std::to_string(command.replication_factor) +
                                            ": the cluster has one broker, so it can only be 1");
  }
  PENSTOCK_TRY_ASSIGN(SettingMap settings, canonical_settings(command.settings));
  PENSTOCK_TRY(resolve_settings(settings));
  return Decision<Uuid>{.records = {TopicCreated{.id = command.id,
                                                 .name = command.name,
                                                 .partitions = command.partitions,
                                                 .replication_factor = kReplicationFactor,
                                                 .at = command.now,
                                                 .settings = std::move(settings)}},
                        .answer = command.id};
}

Result<Decision<Uuid>> ClusterState::handle(const DeleteTopic& command) const {
  PENSTOCK_TRY_ASSIGN(const TopicPtr topic, existing(command.name));
  return Decision<Uuid>{.records = {TopicDeleted{topic->id, command.now}}, .answer = topic->id};
}

Result<Decision<Uuid>> ClusterState::handle(const AlterTopic& command) const {
  PENSTOCK_TRY_ASSIGN(const TopicPtr topic, existing(command.name));
  std::uint32_t partitions = topic->partitions;
  if (command.partitions != 0) {
    if (command.partitions < topic->partitions) {
      return fail(Errc::kInvalidArgument,
                  "topic " + quoted(command.name) + " has " + std::to_string(topic->partitions) +
                      " partitions and cannot shrink to " + std::to_string(command.partitions));
    }
    PENSTOCK_TRY(check_partitions(command.partitions, topic->partitions, partition_count_));
    partitions = command.partitions;
  }
  SettingMap settings = topic->own_settings;
  for (const std::string& name : command.reset) {
    if (find_setting(name) == nullptr) PENSTOCK_TRY(canonical_settings({{name, ""}}));
    settings.erase(name);
  }
  PENSTOCK_TRY_ASSIGN(const SettingMap changed, canonical_settings(command.set));
  for (const auto& [name, value] : changed) settings.insert_or_assign(name, value);
  PENSTOCK_TRY(resolve_settings(settings));
  Decision<Uuid> decision{.records = {}, .answer = topic->id};
  if (partitions != topic->partitions || settings != topic->own_settings) {
    decision.records = {TopicAltered{topic->id, partitions, std::move(settings)}};
  }
  return decision;
}

Result<Decision<Term>> ClusterState::handle(const StartBroker& command) const {
  if (leader_epoch_.value() == std::numeric_limits<std::int32_t>::max()) {
    return fail(Errc::kInternal, "leader epochs are used up");
  }
  const Term next(leader_epoch_.value() + 1);
  return Decision<Term>{
      .records = {BrokerStarted{command.broker_id, command.directory, next, command.now}},
      .answer = next};
}

Result<Decision<Uuid>> ClusterState::handle(const ForgetTopic& command) const {
  Decision<Uuid> decision{.records = {}, .answer = command.id};
  if (deleted_.contains(command.id)) decision.records = {TopicForgotten{command.id}};
  return decision;
}

Status ClusterState::apply(Offset offset, const MetadataRecord& record) {
  PENSTOCK_TRY(std::visit([&](const auto& one) { return apply_one(offset, one); }, record));
  applied_ = offset + 1;
  return {};
}

Status ClusterState::apply_one(Offset offset, const BrokerStarted& record) {
  if (record.leader_epoch <= leader_epoch_) {
    return fail(contradiction(offset, "does not raise the leader epoch"));
  }
  leader_epoch_ = record.leader_epoch;
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicCreated& record) {
  if (!is_valid_topic_name(record.name) || record.partitions < 1 ||
      record.partitions > kMaxPartitionsPerTopic) {
    return fail(contradiction(offset, "creates an impossible topic"));
  }
  if (topics_.contains(record.name) || by_id_.contains(record.id) || deleted_.contains(record.id)) {
    return fail(contradiction(offset, "creates a topic that exists: " + record.name));
  }
  PENSTOCK_TRY_ASSIGN(const TopicSettings settings, recorded_settings(offset, record.settings));
  auto topic = std::make_shared<TopicImage>();
  topic->id = record.id;
  topic->name = record.name;
  topic->partitions = record.partitions;
  topic->replication_factor = record.replication_factor;
  topic->created_at = record.at;
  topic->placed_from = {{0, offset}};
  topic->own_settings = record.settings;
  topic->settings = settings;
  partition_count_ += record.partitions;
  by_id_[record.id] = topic;
  topics_[record.name] = std::move(topic);
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicAltered& record) {
  const auto found = by_id_.find(record.id);
  if (found == by_id_.end()) return fail(contradiction(offset, "alters an unknown topic"));
  auto topic = std::make_shared<TopicImage>(*found->second);
  if (record.partitions < topic->partitions || record.partitions > kMaxPartitionsPerTopic) {
    return fail(contradiction(offset, "shrinks a topic"));
  }
  PENSTOCK_TRY_ASSIGN(const TopicSettings settings, recorded_settings(offset, record.settings));
  if (record.partitions > topic->partitions) topic->placed_from[topic->partitions] = offset;
  partition_count_ += record.partitions - topic->partitions;
  topic->partitions = record.partitions;
  topic->own_settings = record.settings;
  topic->settings = settings;
  found->second = topic;
  topics_[topic->name] = std::move(topic);
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicDeleted& record) {
  const auto found = by_id_.find(record.id);
  if (found == by_id_.end()) return fail(contradiction(offset, "deletes an unknown topic"));
  partition_count_ -= found->second->partitions;
  deleted_[record.id] = found->second->name;
  topics_.erase(found->second->name);
  by_id_.erase(found);
  return {};
}

Status ClusterState::apply_one(Offset offset, const TopicForgotten& record) {
  if (deleted_.erase(record.id) == 0) {
    return fail(contradiction(offset, "forgets a topic that was not deleted"));
  }
  return {};
}

ImagePtr ClusterState::image() const {
  return std::make_shared<const ClusterImage>(topics_, applied_, leader_epoch_);
}

}  // namespace penstock::broker
