// The bytes of a metadata snapshot: sealed fields.
#include <algorithm>
#include <utility>

#include "base/sealed.h"
#include "broker/controller/cluster_state.h"
#include "broker/controller/fields.h"
#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::uint16_t kWithProducers = 2;
constexpr SealKind kKind{"PSTKMETA", "metadata snapshot", kVersion, kWithProducers};

void write_broker(MetadataWriter& to, const BrokerImage& broker) {
  to.node(broker.id).uuid(broker.directory).text(broker.host).integer(broker.port);
  to.text(broker.rack).timestamp(broker.started_at);
  to.integer(static_cast<std::uint8_t>(broker.mode));
}

BrokerImage read_broker(MetadataReader& from) {
  BrokerImage broker{from.node(),
                     from.uuid(),
                     from.text(),
                     from.integer<std::uint16_t>(),
                     from.text(),
                     from.timestamp(),
                     BrokerMode{from.integer<std::uint8_t>()}};
  if (broker.mode > BrokerMode::kDecommissioned) from.spoil();
  return broker;
}

void write_partition(MetadataWriter& to, const PartitionImage& partition) {
  to.offset(partition.placed_at).nodes(partition.founders).count(partition.replicas.size());
  for (const ReplicaImage& one : partition.replicas) to.node(one.broker).offset(one.since);
}

PartitionPtr read_partition(MetadataReader& from) {
  PartitionImage partition{.replicas = {}, .placed_at = from.offset(), .founders = from.nodes()};
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    const raft::NodeId broker = from.node();
    partition.replicas.push_back({broker, from.offset()});
  }
  return std::make_shared<const PartitionImage>(std::move(partition));
}

void write_topic(MetadataWriter& to, const TopicImage& topic) {
  to.uuid(topic.id).text(topic.name).integer(topic.replication_factor);
  to.timestamp(topic.created_at).settings(topic.own_settings);
  to.count(topic.placed_from.size());
  for (const auto& [first, offset] : topic.placed_from) to.count(first).offset(offset);
  to.count(topic.placement.size());
  for (const PartitionPtr& partition : topic.placement) write_partition(to, *partition);
}

TopicImage read_topic(MetadataReader& from) {
  TopicImage topic;
  topic.id = from.uuid();
  topic.name = from.text();
  topic.replication_factor = from.integer<std::uint32_t>();
  topic.created_at = from.timestamp();
  topic.own_settings = from.settings();
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    const auto first = static_cast<std::uint32_t>(from.node().value());  // of the same range
    topic.placed_from[first] = from.offset();
  }
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    topic.placement.push_back(read_partition(from));
  }
  topic.partitions = static_cast<std::uint32_t>(topic.placement.size());
  return topic;
}

void write_producers(MetadataWriter& to, const ProducerRegistry& producers) {
  to.integer(producers.next_id()).count(producers.named().size());
  for (const auto& [name, one] : producers.named()) {
    to.text(name).integer(one.identity.id).integer(one.identity.epoch);
    to.uuid(one.instance).timestamp(one.registered_at);
  }
}

Error not_a_snapshot(const std::string& why) {
  return {Errc::kCorrupt, std::string(kKind.what) + ": " + why};
}

}  // namespace

Bytes ClusterState::snapshot() const {
  const bool has_producers = !producers_.is_untouched();
  MetadataWriter to(begin_sealed(kKind, has_producers ? kWithProducers : kVersion).take());
  to.offset(applied_).integer(leader_epoch_.value());
  to.node(brokers_.next_number());
  to.count(static_cast<std::uint64_t>(brokers_.last_started().value() + 1));  // 0: nobody
  to.count(brokers_.all().size());
  for (const auto& [id, broker] : brokers_.all()) write_broker(to, broker);
  to.count(topics_.size());
  for (const auto& [name, topic] : topics_) write_topic(to, *topic);
  to.count(deleted_.size());
  for (const auto& [id, topic] : deleted_) to.uuid(id).text(topic.name).nodes(topic.awaited);
  if (has_producers) write_producers(to, producers_);
  return seal(std::move(to));
}

// Reads a snapshot into a state that is empty yet.
class ClusterState::Restoring {
 public:
  Restoring(std::uint16_t version, ByteView fields) : version_(version), from_(fields) {}

  Result<ClusterState> run() {
    state_.applied_ = from_.offset();
    state_.leader_epoch_ = from_.term();
    PENSTOCK_TRY(read_brokers());
    for (std::size_t left = from_.count(); from_.is_good() && left > 0; --left) {
      PENSTOCK_TRY(add(read_topic(from_)));
    }
    for (std::size_t left = from_.count(); from_.is_good() && left > 0; --left) {
      const Uuid id = from_.uuid();
      std::string name = from_.text();
      state_.deleted_[id] = {.name = std::move(name), .awaited = from_.nodes()};
    }
    if (version_ >= kWithProducers) PENSTOCK_TRY(read_producers());
    if (!from_.is_complete()) return fail(not_a_snapshot("it has the wrong length"));
    state_.parts_ = {nullptr, nullptr, nullptr, nullptr};
    return std::move(state_);
  }

 private:
  Status read_brokers() {
    const raft::NodeId next_number = from_.node();
    const raft::NodeId last_started(from_.node().value() - 1);
    BrokerRegistry::Brokers brokers;
    for (std::size_t left = from_.count(); from_.is_good() && left > 0; --left) {
      BrokerImage broker = read_broker(from_);
      if (broker.id >= next_number) return fail(not_a_snapshot("a broker's number is too large"));
      brokers[broker.id] = std::move(broker);
    }
    state_.brokers_ = BrokerRegistry::restore(std::move(brokers), next_number, last_started);
    return {};
  }

  Status read_producers() {
    const auto next_id = from_.integer<std::int64_t>();
    ProducerRegistry::Named named;
    for (std::size_t left = from_.count(); from_.is_good() && left > 0; --left) {
      std::string name = from_.text();
      named[std::move(name)] = {{from_.integer<std::int64_t>(), from_.integer<std::int16_t>()},
                                from_.uuid(),
                                from_.timestamp()};
    }
    if (!from_.is_good()) return fail(not_a_snapshot("it ends too early"));
    auto producers = ProducerRegistry::restore(std::move(named), next_id);
    if (!producers) return fail(not_a_snapshot("it holds an impossible producer"));
    state_.producers_ = *std::move(producers);
    return {};
  }

  Status add(TopicImage topic) {
    if (!from_.is_good()) return fail(not_a_snapshot("it ends too early"));
    if (!is_valid_topic_name(topic.name) || topic.partitions < 1 ||
        topic.partitions > kMaxPartitionsPerTopic || topic.placed_from.empty() ||
        topic.placed_from.begin()->first != 0 ||
        topic.placed_from.rbegin()->first >= topic.partitions) {
      return fail(not_a_snapshot("it holds an impossible topic"));
    }
    auto settings = resolve_settings(topic.own_settings);
    if (!settings || !canonical_settings(topic.own_settings)) {
      return fail(not_a_snapshot("topic " + topic.name + " has impossible settings"));
    }
    topic.settings = *settings;
    for (const PartitionPtr& partition : topic.placement) {
      const ReplicaList brokers = partition->brokers();
      if (state_.fault_in(brokers) || brokers.size() != topic.replication_factor ||
          partition->founders.empty()) {
        return fail(not_a_snapshot("a partition of " + topic.name + " is placed wrongly"));
      }
    }
    state_.partition_count_ += topic.partitions;
    state_.put(std::make_shared<const TopicImage>(std::move(topic)));
    return {};
  }

  const std::uint16_t version_;
  MetadataReader from_;
  ClusterState state_;
};

Result<ClusterState> ClusterState::restore(ByteView snapshot) {
  PENSTOCK_TRY_ASSIGN(const Sealed sealed, open_sealed(snapshot, kKind));
  PENSTOCK_TRY_ASSIGN(ClusterState state, Restoring(sealed.version, sealed.body).run());
  if (!equal(state.snapshot(), snapshot)) {
    return fail(not_a_snapshot("it is not as it is written: out of order, or something twice"));
  }
  return state;
}

}  // namespace penstock::broker
