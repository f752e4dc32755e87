// Changes of who serves: commands of the metadata at the controller, and the transfer of a
// partition's leadership at its leader.
#include "broker/server/controller_gate.h"
#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/metadata_group.h"
#include "broker/server/replica_steps.h"
#include "broker/server/upkeep_limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::AlterClusterRequest;
using wire::v1::AlterClusterResponse;

// --- commands of the metadata; on the admin shard

template <typename Command>
Task<Result<AlterClusterResponse>> carry_out(BrokerContext& broker, Command command) {
  PENSTOCK_CO_TRY(co_await broker.metadata->carry_out(std::move(command)));
  AlterClusterResponse response;
  response.set_metadata_offset(broker.metadata->applied().value());
  co_return response;
}

MoveReplicas to_command(const AlterClusterRequest::MoveReplicas& request) {
  MoveReplicas command{
      .topic = request.topic(), .partition = PartitionId(request.partition()), .replicas = {}};
  for (const std::int32_t node : request.replicas()) command.replicas.emplace_back(node);
  return command;
}

Task<Result<AlterClusterResponse>> decide(BrokerContext& broker, AlterClusterRequest request) {
  const Timestamp now = broker.clock->wall();
  switch (request.change_case()) {
    case AlterClusterRequest::kDrainBroker:
      co_return co_await carry_out(broker, DrainBroker{raft::NodeId(request.drain_broker()), now});
    case AlterClusterRequest::kResumeBroker:
      co_return co_await carry_out(broker,
                                   ResumeBroker{raft::NodeId(request.resume_broker()), now});
    case AlterClusterRequest::kDecommissionBroker:
      co_return co_await carry_out(
          broker, DecommissionBroker{raft::NodeId(request.decommission_broker()), now});
    case AlterClusterRequest::kRemoveBroker:
      co_return co_await carry_out(broker,
                                   RemoveBroker{raft::NodeId(request.remove_broker()), now});
    case AlterClusterRequest::kMoveReplicas:
      co_return co_await carry_out(broker, to_command(request.move_replicas()));
    case AlterClusterRequest::kSetReplicationFactor:
      co_return co_await carry_out(
          broker, ChangeReplicationFactor{request.set_replication_factor().topic(),
                                          request.set_replication_factor().replication_factor()});
    case AlterClusterRequest::kForgetTopic: {
      PENSTOCK_CO_TRY_ASSIGN(const Uuid topic,
                             wire::uuid_from_wire(request.forget_topic().topic_id(), "topic_id"));
      co_return co_await carry_out(
          broker, ForgetTopic{topic, raft::NodeId(request.forget_topic().broker_id())});
    }
    case AlterClusterRequest::kTransferLeader:
    case AlterClusterRequest::CHANGE_NOT_SET:
      break;
  }
  co_return fail(Errc::kInvalidArgument, "the request does not say what to change");
}

// --- leadership; on the partition's shard

// The partition's own preferred leader, of those that may lead.
Result<raft::NodeId> preferred(const PartitionImage& placed, const ClusterImage& image) {
  for (const ReplicaImage& replica : placed.replicas) {
    const BrokerImage* broker = image.find(replica.broker);
    if (broker != nullptr && broker->is_active()) return replica.broker;
  }
  return fail(Errc::kNotEnoughBrokers, "no broker that holds the partition may lead");
}

Result<raft::NodeId> heir(const AlterClusterRequest::TransferLeader& request,
                          const PartitionImage& placed, const ClusterImage& image) {
  if (request.to() == -1) return preferred(placed, image);
  const raft::NodeId to(request.to());
  const BrokerImage* broker = image.find(to);
  if (broker == nullptr) {
    return fail(Errc::kUnknownBroker, "no broker " + std::to_string(request.to()));
  }
  if (!broker->is_active()) {
    return fail(Errc::kInvalidArgument, "broker " + std::to_string(request.to()) + " is " +
                                            std::string(to_string(broker->mode)) +
                                            " and must not lead");
  }
  return to;
}

// Returns when another broker leads, or the attempt was given up.
Task<Status> hand_over(std::shared_ptr<Partition> partition, raft::NodeId to) {
  const Replica& replica = partition->replica();
  if (replica.role() == raft::Role::kLeader && replica.group().self() == to) co_return Status{};
  PENSTOCK_CO_TRY(partition->transfer_leadership(to));
  const auto deadline = std::chrono::steady_clock::now() + kTransferTime;
  while (replica.role() == raft::Role::kLeader) {
    if (std::chrono::steady_clock::now() >= deadline) {
      co_return fail(Errc::kTimeout, partition->name() + ": broker " + std::to_string(to.value()) +
                                         " has not taken over; is it level with the leader?");
    }
    PENSTOCK_CO_TRY(co_await sleep_for(kTransferLook));
  }
  co_return Status{};
}

Task<Result<AlterClusterResponse>> transfer(Shard& shard, TopicPartition id,
                                            AlterClusterRequest::TransferLeader request) {
  PENSTOCK_CO_TRY_ASSIGN(Partition* const partition, shard.find(id));
  PENSTOCK_CO_TRY(partition->check_ready());
  const ImagePtr image = shard.image();
  const TopicPtr topic = image->find(id.topic);
  if (!topic) co_return fail(Errc::kUnknownTopic, partition->name() + " was deleted");
  PENSTOCK_CO_TRY_ASSIGN(const raft::NodeId to,
                         heir(request, topic->partition(id.partition), *image));
  PENSTOCK_CO_TRY(co_await hand_over(partition->shared_from_this(), to));
  co_return AlterClusterResponse();
}

Result<TopicPartition> find_partition(const ClusterImage& image,
                                      const AlterClusterRequest::TransferLeader& request) {
  const TopicPtr topic = image.find(request.topic());
  if (!topic) return fail(Errc::kUnknownTopic, "no topic '" + request.topic() + "'");
  if (request.partition() < 0 ||
      static_cast<std::uint32_t>(request.partition()) >= topic->partitions) {
    return fail(Errc::kUnknownPartition, "'" + request.topic() + "' has no partition " +
                                             std::to_string(request.partition()));
  }
  return TopicPartition{topic->id, PartitionId(request.partition())};
}

}  // namespace

Task<Result<AlterClusterResponse>> alter_cluster(Call call, AlterClusterRequest request) {
  if (!request.has_transfer_leader()) {
    co_return co_await call_on(call.broker.admin_shard().executor(),
                               decide(call.broker, std::move(request)));
  }
  PENSTOCK_CO_TRY_ASSIGN(const TopicPartition id,
                         find_partition(*call.home.image(), request.transfer_leader()));
  Shard& shard = call.broker.shard_of(id);
  co_return co_await call_on(shard.executor(), transfer(shard, id, request.transfer_leader()));
}

Task<Result<AlterClusterResponse>> transfer_leader(Call call, AlterClusterRequest request) {
  PENSTOCK_CO_TRY_ASSIGN(const TopicPartition id,
                         find_partition(*call.home.image(), request.transfer_leader()));
  Shard& shard = call.broker.shard_of(id);
  const raft::NodeId leader =
      co_await run_on(shard.executor(), [&shard, id] { return shard.leader_of(id).leader; });
  if (leader == raft::kNobody) {
    co_return fail(Errc::kNotReady, "nobody leads the partition at the moment; ask again");
  }
  if (leader == call.broker.self()) co_return co_await alter_cluster(std::move(call), request);
  PENSTOCK_CO_TRY_ASSIGN(const Bytes answer, co_await call_on(call.broker.admin_shard().executor(),
                                                              call.broker.gate->hand_to(
                                                                  leader, wire::Api::kAlterCluster,
                                                                  call.request.message.view())));
  AlterClusterResponse response;
  if (!rpc::deserialize(answer, response)) {
    co_return fail(Errc::kInternal, "the leader's answer cannot be understood");
  }
  PENSTOCK_CO_TRY(wire::status_of(response));
  co_return response;
}

}  // namespace penstock::broker
