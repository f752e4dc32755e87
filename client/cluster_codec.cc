#include "client/cluster_codec.h"

#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

using wire::v1::AlterClusterRequest;
using wire::v1::ClusterStatusResponse;

// One overload a change.
struct ToWire {
  AlterClusterRequest& out;

  void operator()(const DrainBroker& change) const { out.set_drain_broker(change.broker); }
  void operator()(const ResumeBroker& change) const { out.set_resume_broker(change.broker); }
  void operator()(const DecommissionBroker& change) const {
    out.set_decommission_broker(change.broker);
  }
  void operator()(const RemoveBroker& change) const { out.set_remove_broker(change.broker); }
  void operator()(const MoveReplicas& change) const {
    auto& move = *out.mutable_move_replicas();
    move.set_topic(change.topic);
    move.set_partition(change.partition.value());
    for (const std::int32_t broker : change.replicas) move.add_replicas(broker);
  }
  void operator()(const SetReplicationFactor& change) const {
    out.mutable_set_replication_factor()->set_topic(change.topic);
    out.mutable_set_replication_factor()->set_replication_factor(change.replication_factor);
  }
  void operator()(const TransferLeader& change) const {
    auto& transfer = *out.mutable_transfer_leader();
    transfer.set_topic(change.topic);
    transfer.set_partition(change.partition.value());
    transfer.set_to(change.to);
  }
};

std::string text(const std::string& topic, PartitionId partition) {
  return topic + "/" + std::to_string(partition.value());
}

struct Describe {
  std::string operator()(const DrainBroker& change) const {
    return "drain broker " + std::to_string(change.broker);
  }
  std::string operator()(const ResumeBroker& change) const {
    return "resume broker " + std::to_string(change.broker);
  }
  std::string operator()(const DecommissionBroker& change) const {
    return "decommission broker " + std::to_string(change.broker);
  }
  std::string operator()(const RemoveBroker& change) const {
    return "remove broker " + std::to_string(change.broker);
  }
  std::string operator()(const MoveReplicas& change) const {
    return "move the replicas of " + text(change.topic, change.partition);
  }
  std::string operator()(const SetReplicationFactor& change) const {
    return "set the replication factor of " + change.topic;
  }
  std::string operator()(const TransferLeader& change) const {
    return "transfer the leader of " + text(change.topic, change.partition);
  }
};

BrokerStatus from_wire(const ClusterStatusResponse::BrokerStatus& broker) {
  return {.id = broker.broker_id(),
          .host = broker.host(),
          .port = static_cast<std::uint16_t>(broker.port()),
          .rack = broker.rack(),
          .state = broker.state(),
          .reachable = broker.reachable(),
          .votes = broker.votes(),
          .leaders = broker.leaders(),
          .replicas = broker.replicas(),
          .size_bytes = broker.size_bytes()};
}

ReplicaStatus from_wire(const ClusterStatusResponse::ReplicaStatus& replica) {
  return {.broker = replica.broker_id(),
          .durable_end = Offset(replica.durable_end()),
          .lag_records = replica.lag_records(),
          .lag_bytes = replica.lag_bytes(),
          .lag_ms = replica.lag_ms(),
          .voter = replica.voter(),
          .reachable = replica.reachable()};
}

Result<PartitionStatus> from_wire(const ClusterStatusResponse::PartitionStatus& partition) {
  PartitionStatus out{.topic_id = {},
                      .topic = partition.topic(),
                      .partition = PartitionId(partition.partition()),
                      .leader = partition.leader(),
                      .term = Term(partition.term()),
                      .high_watermark = Offset(partition.high_watermark()),
                      .log_end = Offset(partition.log_end()),
                      .replicas = {},
                      .wanted = {partition.wanted().begin(), partition.wanted().end()},
                      .step = partition.step(),
                      .under_replicated = partition.under_replicated(),
                      .at_risk = partition.at_risk()};
  const auto id = wire::uuid_from_wire(partition.topic_id(), "topic_id");
  if (!id) return fail(Errc::kBadFrame, id.error().message());
  out.topic_id = *id;
  for (const auto& replica : partition.replicas()) out.replicas.push_back(from_wire(replica));
  return out;
}

DamageStatus from_wire(const ClusterStatusResponse::Damage& damage) {
  return {.topic = damage.topic(),
          .partition = PartitionId(damage.partition()),
          .broker = damage.broker_id(),
          .begin = Offset(damage.begin()),
          .end = Offset(damage.end()),
          .reason = damage.reason(),
          .repair = damage.repair()};
}

}  // namespace

AlterClusterRequest to_wire(const ClusterChange& change) {
  AlterClusterRequest request;
  std::visit(ToWire{request}, change);
  return request;
}

std::string describe(const ClusterChange& change) { return std::visit(Describe{}, change); }

Result<ClusterStatus> status_from_wire(const ClusterStatusResponse& response) {
  ClusterStatus out;
  out.controller = response.controller();
  for (const auto& broker : response.brokers()) out.brokers.push_back(from_wire(broker));
  for (const auto& partition : response.partitions()) {
    PENSTOCK_TRY_ASSIGN(out.partitions.emplace_back(), from_wire(partition));
  }
  out.silent = {response.silent().begin(), response.silent().end()};
  for (const auto& damage : response.damages()) out.damages.push_back(from_wire(damage));
  return out;
}

}  // namespace penstock::client
