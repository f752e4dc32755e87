#include "broker/controller/metadata_record.h"

#include <algorithm>
#include <utility>

#include "broker/controller/fields.h"

namespace penstock::broker {
namespace {

enum class RecordType : std::uint8_t {
  kBrokerStarted = 1,
  kTopicCreated = 2,
  kTopicAltered = 3,
  kTopicDeleted = 4,
  kTopicForgotten = 5,
  kBrokerRegistered = 6,
  kBrokerModeChanged = 7,
  kBrokerRemoved = 8,
  kReplicasPlaced = 9,
  kProducerIdsAllocated = 10,
  kProducerRegistered = 11,
  kProducerForgotten = 12,
};

// Newest version that this build knows; 0: no such type.
std::uint8_t newest_version(std::uint8_t type) {
  switch (RecordType{type}) {
    case RecordType::kTopicCreated:
    case RecordType::kTopicAltered:
    case RecordType::kTopicForgotten:
      return 2;
    case RecordType::kBrokerStarted:
    case RecordType::kTopicDeleted:
    case RecordType::kBrokerRegistered:
    case RecordType::kBrokerModeChanged:
    case RecordType::kBrokerRemoved:
    case RecordType::kReplicasPlaced:
    case RecordType::kProducerIdsAllocated:
    case RecordType::kProducerRegistered:
    case RecordType::kProducerForgotten:
      return 1;
  }
  return 0;
}

MetadataWriter begin(RecordType type, std::uint8_t version = 1) {
  return MetadataWriter(Bytes{std::byte(type), std::byte{version}});
}

void write_placement(MetadataWriter& to, const std::vector<ReplicaList>& placement) {
  if (placement.empty()) return;  // version 1
  to.count(placement.size());
  for (const ReplicaList& replicas : placement) to.nodes(replicas);
}

std::vector<ReplicaList> read_placement(MetadataReader& from) {
  std::vector<ReplicaList> placement;
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    placement.push_back(from.nodes());
  }
  return placement;
}

std::uint8_t version_with(const std::vector<ReplicaList>& placement) {
  return placement.empty() ? 1 : 2;
}

Bytes write(const BrokerStarted& r) {
  return begin(RecordType::kBrokerStarted)
      .integer(r.broker_id)
      .uuid(r.directory)
      .integer(r.leader_epoch.value())
      .timestamp(r.at)
      .take();
}
Bytes write(const TopicCreated& r) {
  MetadataWriter to = begin(RecordType::kTopicCreated, version_with(r.placement));
  to.uuid(r.id).text(r.name).integer(r.partitions).integer(r.replication_factor);
  to.timestamp(r.at).settings(r.settings);
  write_placement(to, r.placement);
  return to.take();
}
Bytes write(const TopicAltered& r) {
  MetadataWriter to = begin(RecordType::kTopicAltered, version_with(r.placement));
  to.uuid(r.id).integer(r.partitions).settings(r.settings);
  write_placement(to, r.placement);
  return to.take();
}
Bytes write(const TopicDeleted& r) {
  return begin(RecordType::kTopicDeleted).uuid(r.id).timestamp(r.at).take();
}
Bytes write(const TopicForgotten& r) {
  if (r.broker == raft::kNobody) return begin(RecordType::kTopicForgotten).uuid(r.id).take();
  return begin(RecordType::kTopicForgotten, 2).uuid(r.id).node(r.broker).take();
}
Bytes write(const BrokerRegistered& r) {
  return begin(RecordType::kBrokerRegistered)
      .node(r.broker)
      .uuid(r.directory)
      .text(r.host)
      .integer(r.port)
      .text(r.rack)
      .timestamp(r.started_at)
      .take();
}
Bytes write(const BrokerModeChanged& r) {
  return begin(RecordType::kBrokerModeChanged)
      .node(r.broker)
      .integer(static_cast<std::uint8_t>(r.mode))
      .timestamp(r.at)
      .take();
}
Bytes write(const BrokerRemoved& r) {
  return begin(RecordType::kBrokerRemoved).node(r.broker).timestamp(r.at).take();
}
Bytes write(const ReplicasPlaced& r) {
  MetadataWriter to = begin(RecordType::kReplicasPlaced);
  to.uuid(r.topic).integer(r.replication_factor).count(r.partitions.size());
  for (const auto& one : r.partitions) {
    to.count(static_cast<std::uint32_t>(one.partition.value())).nodes(one.replicas);
  }
  return to.take();
}

Bytes write(const ProducerIdsAllocated& r) {
  return begin(RecordType::kProducerIdsAllocated)
      .node(r.broker)
      .integer(r.first)
      .integer(r.count)
      .take();
}
Bytes write(const ProducerRegistered& r) {
  return begin(RecordType::kProducerRegistered)
      .text(r.name)
      .integer(r.identity.id)
      .integer(r.identity.epoch)
      .uuid(r.instance)
      .timestamp(r.at)
      .take();
}
Bytes write(const ProducerForgotten& r) {
  return begin(RecordType::kProducerForgotten).text(r.name).take();
}

// Braced initialisers are evaluated left to right: the order here is the order of the bytes.
TopicCreated read_topic_created(MetadataReader& from, std::uint8_t version) {
  TopicCreated record{from.uuid(),
                      from.text(),
                      from.integer<std::uint32_t>(),
                      from.integer<std::uint32_t>(),
                      from.timestamp(),
                      from.settings()};
  if (version == 2) record.placement = read_placement(from);
  return record;
}

TopicAltered read_topic_altered(MetadataReader& from, std::uint8_t version) {
  TopicAltered record{from.uuid(), from.integer<std::uint32_t>(), from.settings()};
  if (version == 2) record.placement = read_placement(from);
  return record;
}

ReplicasPlaced read_replicas_placed(MetadataReader& from) {
  ReplicasPlaced record{from.uuid(), from.integer<std::uint32_t>(), {}};
  for (std::size_t left = from.count(); from.is_good() && left > 0; --left) {
    const PartitionId partition(from.node().value());  // a number of the same range
    record.partitions.push_back({partition, from.nodes()});
  }
  return record;
}

BrokerMode read_mode(MetadataReader& from) {
  const BrokerMode mode{from.integer<std::uint8_t>()};
  if (mode > BrokerMode::kDecommissioned) from.spoil();
  return mode;
}

MetadataRecord read(RecordType type, std::uint8_t version, MetadataReader& from) {
  switch (type) {
    case RecordType::kBrokerStarted:
      return BrokerStarted{from.integer<std::int32_t>(), from.uuid(), from.term(),
                           from.timestamp()};
    case RecordType::kTopicCreated:
      return read_topic_created(from, version);
    case RecordType::kTopicAltered:
      return read_topic_altered(from, version);
    case RecordType::kTopicDeleted:
      return TopicDeleted{from.uuid(), from.timestamp()};
    case RecordType::kTopicForgotten:
      return TopicForgotten{from.uuid(), version == 1 ? raft::kNobody : from.node()};
    case RecordType::kBrokerRegistered:
      return BrokerRegistered{from.node(), from.uuid(),
                              from.text(), from.integer<std::uint16_t>(),
                              from.text(), from.timestamp()};
    case RecordType::kBrokerModeChanged:
      return BrokerModeChanged{from.node(), read_mode(from), from.timestamp()};
    case RecordType::kBrokerRemoved:
      return BrokerRemoved{from.node(), from.timestamp()};
    case RecordType::kReplicasPlaced:
      return read_replicas_placed(from);
    case RecordType::kProducerIdsAllocated:
      return ProducerIdsAllocated{from.node(), from.integer<std::int64_t>(),
                                  from.integer<std::uint32_t>()};
    case RecordType::kProducerRegistered:
      return ProducerRegistered{from.text(),
                                {from.integer<std::int64_t>(), from.integer<std::int16_t>()},
                                from.uuid(),
                                from.timestamp()};
    case RecordType::kProducerForgotten:
      return ProducerForgotten{from.text()};
  }
  std::unreachable();  // decode_metadata_record() let only known types through
}

}  // namespace

bool contains(const ReplicaList& replicas, raft::NodeId broker) {
  return std::ranges::find(replicas, broker) != replicas.end();
}

Bytes encode(const MetadataRecord& record) {
  return std::visit([](const auto& r) { return write(r); }, record);
}

Result<MetadataRecord> decode_metadata_record(ByteView bytes) {
  if (bytes.size() < 2) return fail(Errc::kCorrupt, "a metadata record of less than two bytes");
  const auto type = std::to_integer<std::uint8_t>(bytes[0]);
  const auto version = std::to_integer<std::uint8_t>(bytes[1]);
  if (version < 1 || version > newest_version(type)) {
    return fail(Errc::kUnsupportedVersion,
                "metadata record of type " + std::to_string(type) + " version " +
                    std::to_string(version) +
                    " is unknown to this release; start the release that wrote it, or a newer one");
  }
  MetadataReader from(bytes.subspan(2));
  MetadataRecord record = read(RecordType{type}, version, from);
  if (!from.is_complete()) {
    return fail(Errc::kCorrupt,
                "metadata record of type " + std::to_string(type) + " has the wrong length");
  }
  if (encode(record) != Bytes(bytes.begin(), bytes.end())) {
    return fail(Errc::kCorrupt,
                "metadata record of type " + std::to_string(type) + " is not as it is written");
  }
  return record;
}

}  // namespace penstock::broker
