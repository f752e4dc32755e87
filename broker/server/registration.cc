#include "broker/server/registration.h"

#include "base/log.h"
#include "broker/server/broker_calls.h"
#include "broker/server/cluster_join.h"
#include "broker/server/limits.h"
#include "broker/server/metadata_group.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("broker");
  return instance;
}

Result<RegisterBroker> command_of(const wire::v1::JoinRequest& request) {
  RegisterBroker command;
  PENSTOCK_TRY_ASSIGN(command.directory, wire::uuid_from_wire(request.directory(), "directory"));
  if (request.broker_id() != kNoBrokerId) command.known_as = raft::NodeId(request.broker_id());
  if (request.port() > std::numeric_limits<std::uint16_t>::max()) {
    return fail(Errc::kInvalidArgument, "port " + std::to_string(request.port()));
  }
  command.host = request.host();
  command.port = static_cast<std::uint16_t>(request.port());
  command.rack = request.rack();
  command.started_at = Timestamp(request.started_ms());
  return command;
}

bool is_registered(const ClusterImage& image, raft::NodeId broker) {
  const BrokerImage* found = image.find(broker);
  return found != nullptr && !found->host.empty();
}

wire::v1::JoinResponse answer(const BrokerContext& broker, raft::NodeId number) {
  wire::v1::JoinResponse response;
  response.set_cluster_id(wire::to_wire(broker.identity.cluster_id));
  response.set_broker_id(number.value());
  to_wire(broker.metadata->partition().replica().group().membership(),
          *response.mutable_controller());
  for (const auto& [id, known] : broker.metadata->image()->brokers()) {
    auto& row = *response.add_brokers();
    row.set_broker_id(id.value());
    row.set_directory(wire::to_wire(known.directory));
    row.set_host(known.host);
    row.set_port(known.port);
  }
  response.set_metadata_offset(broker.metadata->applied().value());
  return response;
}

}  // namespace

wire::v1::JoinRequest join_request(const NodeIdentity& identity, const rpc::Endpoint& address,
                                   const BrokerConfig& config, Timestamp started_at) {
  wire::v1::JoinRequest request;
  request.set_directory(wire::to_wire(identity.directory_id));
  if (identity.node_id != kNoBrokerId) {
    request.set_cluster_id(wire::to_wire(identity.cluster_id));
    request.set_broker_id(identity.node_id);
  }
  request.set_host(address.host);
  request.set_port(address.port);
  request.set_rack(config.rack);
  request.set_started_ms(started_at.ms());
  return request;
}

Task<Result<wire::v1::JoinResponse>> register_broker(BrokerContext& broker,
                                                     wire::v1::JoinRequest request,
                                                     rpc::Endpoint reached_at) {
  MetadataGroup& metadata = *broker.metadata;
  if (!request.cluster_id().empty() &&
      request.cluster_id() != wire::to_wire(broker.identity.cluster_id)) {
    co_return fail(Errc::kForeignData, "the broker belongs to another cluster than " +
                                           broker.identity.cluster_id.to_string());
  }
  PENSTOCK_CO_TRY_ASSIGN(RegisterBroker command, command_of(request));
  if (!is_registered(*metadata.image(), broker.self())) {
    rpc::Endpoint own = broker.address;
    if (own.host.empty()) own.host = reached_at.host;
    PENSTOCK_CO_TRY_ASSIGN(
        const RegisterBroker self,
        command_of(join_request(broker.identity, own, broker.config, broker.started_at)));
    PENSTOCK_CO_TRY(co_await metadata.carry_out(self));
  }
  const bool is_new = command.known_as == raft::kNobody;
  const rpc::Endpoint at{command.host, command.port};
  PENSTOCK_CO_TRY_ASSIGN(const raft::NodeId number,
                         co_await metadata.carry_out(std::move(command)));
  log().info("broker {} {} at {}", number.value(), is_new ? "joins" : "is back", at.to_string());
  co_return answer(broker, number);
}

namespace {

// Everybody who may know the controller.
std::vector<rpc::Endpoint> whom_to_ask(const BrokerContext& broker) {
  std::vector<rpc::Endpoint> endpoints;
  for (const auto& [id, endpoint] : broker.calls->addresses()) endpoints.push_back(endpoint);
  for (const rpc::Endpoint& seed : broker.config.cluster_seed) {
    if (seed != broker.address) endpoints.push_back(seed);
  }
  return endpoints;
}

Task<Status> try_to_register(BrokerContext& broker, wire::v1::JoinRequest request) {
  if (broker.metadata->is_controller()) {
    PENSTOCK_CO_TRY(co_await register_broker(broker, std::move(request), broker.address));
  } else {
    PENSTOCK_CO_TRY(co_await ask_to_join(whom_to_ask(broker), std::move(request)));
  }
  co_return Status{};
}

}  // namespace

Task<void> register_self(BrokerContext& broker) {
  const auto request =
      join_request(broker.identity, broker.address, broker.config, broker.started_at);
  while (!whom_to_ask(broker).empty()) {
    const Status registered = co_await try_to_register(broker, request);
    if (registered) co_return;
    if (info(registered.error().code()).retry == Retry::kFinal) {
      log().warn("cannot register: {}", registered.error().to_string());
    }
    if (!co_await sleep_for(kRegisterPause)) co_return;  // the broker stops
  }
}

}  // namespace penstock::broker
