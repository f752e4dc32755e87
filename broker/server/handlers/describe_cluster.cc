#include "broker/server/handlers/handlers.h"
#include "broker/server/metadata_group.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {

Task<Result<wire::v1::DescribeClusterResponse>> describe_cluster(
    Call call, wire::v1::DescribeClusterRequest /*request*/) {
  const BrokerContext& broker = call.broker;
  wire::v1::DescribeClusterResponse response;
  response.set_cluster_id(wire::to_wire(broker.identity.cluster_id));
  const raft::NodeId controller = co_await run_on(call.broker.admin_shard().executor(),
                                                  [&] { return broker.metadata->controller(); });
  response.set_controller(controller == raft::kNobody ? -1 : controller.value());
  add_brokers(call, response.mutable_brokers());
  response.set_software(broker.software);
  response.set_uptime_ms(
      static_cast<std::uint64_t>((broker.clock->steady_ns() - broker.started_ns) / 1'000'000));
  broker.disk->measure();
  const DiskSpace space = broker.disk->last_seen();
  response.set_disk_total_bytes(space.total_bytes);
  response.set_disk_available_bytes(space.available_bytes);
  response.set_disk_full(broker.disk->refusing());
  co_return response;
}

}  // namespace penstock::broker
