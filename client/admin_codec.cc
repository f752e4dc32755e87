#include "client/admin_codec.h"

#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

Result<Uuid> id_from_wire(std::string_view bytes, std::string_view field) {
  auto id = wire::uuid_from_wire(bytes, field);
  if (!id) return fail(Errc::kBadFrame, id.error().message());
  return *id;
}

PartitionDescription description_from_wire(const wire::v1::Partition& partition) {
  PartitionDescription out{.partition = PartitionId(partition.partition()),
                           .leader = partition.leader(),
                           .leader_epoch = Term(partition.leader_epoch()),
                           .log_start = Offset(partition.log_start()),
                           .high_watermark = Offset(partition.high_watermark()),
                           .size_bytes = partition.size_bytes(),
                           .replicas = {partition.replicas().begin(), partition.replicas().end()},
                           .error = {}};
  if (Status status = wire::status_of(partition); !status) out.error = std::move(status).error();
  return out;
}

}  // namespace

wire::v1::CreateTopicRequest to_wire(const NewTopic& topic) {
  wire::v1::CreateTopicRequest request;
  request.set_name(topic.name);
  request.set_partitions(topic.partitions);
  request.set_replication_factor(topic.replication_factor);
  for (const auto& [name, value] : topic.settings) {
    auto* const setting = request.add_settings();
    setting->set_name(name);
    setting->set_value(value);
  }
  return request;
}

wire::v1::AlterTopicRequest to_wire(const TopicChange& change) {
  wire::v1::AlterTopicRequest request;
  request.set_name(change.name);
  for (const auto& [name, value] : change.set) {
    auto* const setting = request.add_set();
    setting->set_name(name);
    setting->set_value(value);
  }
  for (const std::string& name : change.reset) request.add_reset(name);
  request.set_partitions(change.partitions);
  return request;
}

Result<TopicDescription> description_from_wire(const wire::v1::Topic& topic) {
  TopicDescription out;
  out.name = topic.name();
  PENSTOCK_TRY_ASSIGN(out.id, id_from_wire(topic.topic_id(), "topic_id"));
  for (const auto& partition : topic.partitions()) {
    out.partitions.push_back(description_from_wire(partition));
  }
  for (const auto& setting : topic.settings()) {
    out.settings.push_back({setting.name(), setting.value(), setting.is_default()});
  }
  out.internal = topic.internal();
  return out;
}

Result<ClusterDescription> description_from_wire(const wire::v1::DescribeClusterResponse& cluster) {
  ClusterDescription out;
  PENSTOCK_TRY_ASSIGN(out.cluster_id, id_from_wire(cluster.cluster_id(), "cluster_id"));
  out.controller = cluster.controller();
  for (const auto& broker : cluster.brokers()) {
    out.brokers.push_back(
        {broker.id(), {broker.host(), static_cast<std::uint16_t>(broker.port())}});
  }
  out.software = cluster.software();
  out.uptime_ms = cluster.uptime_ms();
  out.disk_total_bytes = cluster.disk_total_bytes();
  out.disk_available_bytes = cluster.disk_available_bytes();
  out.disk_full = cluster.disk_full();
  return out;
}

}  // namespace penstock::client
