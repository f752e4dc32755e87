#include "broker/server/dispatch.h"

#include <algorithm>
#include <array>
#include <limits>

#include "broker/group/home.h"
#include "broker/server/controller_gate.h"
#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "broker/server/partition_placer.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

namespace v1 = wire::v1;

using HandlerFunction = Task<rpc::Response> (*)(Call);

Task<rpc::Response> refused(BrokerContext& broker, wire::Api api, Error error) {
  broker.metrics.request_failed(api, error.code());
  co_return error_response(error);
}

// Message in, message or error out: what the handlers without attachments have in common.
template <auto kHandle, typename Request>
Task<rpc::Response> typed(Call call) {
  Request request;
  if (!rpc::deserialize(call.request.message.view(), request)) {
    co_return error_response(
        Error(Errc::kInvalidArgument,
              "the message is no " + std::string(wire::name(call.request.api)) + "Request"));
  }
  const wire::Api api = call.request.api;
  BrokerContext& broker = call.broker;
  const auto response = co_await kHandle(std::move(call), std::move(request));
  if (!response) {
    broker.metrics.request_failed(api, response.error().code());
    co_return error_response(response.error());
  }
  co_return rpc::Response{.message = rpc::serialize(*response), .attachment = {}};
}

// What only the controller may decide: here if it is here, else there.
template <auto kHandle, typename Request, typename Response>
Task<rpc::Response> at_controller(Call call) {
  BrokerContext& broker = call.broker;
  const wire::Api api = call.request.api;
  const asio::any_io_executor admin = broker.admin_shard().executor();
  auto answer = co_await call_on(admin, broker.gate->hand_on(api, call.request.message.view()));
  if (!answer) co_return co_await refused(broker, api, std::move(answer).error());
  if (!*answer) co_return co_await typed<kHandle, Request>(std::move(call));
  Response response;
  if (!rpc::deserialize(ByteView(**answer), response)) {
    co_return co_await refused(
        broker, api, Error(Errc::kInternal, "the controller's answer cannot be understood"));
  }
  // Late is no failure: the change is made.
  co_await call_on(admin,
                   broker.placer->wait_for(Offset(response.metadata_offset()),
                                           std::chrono::steady_clock::now() + kHearOutcomeTime));
  co_return rpc::Response{.message = **std::move(answer), .attachment = {}};
}

// A transfer of leadership goes to the partition's leader, everything else to the controller.
Task<rpc::Response> alter_cluster_anywhere(Call call) {
  v1::AlterClusterRequest request;
  const bool is_transfer =
      rpc::deserialize(call.request.message.view(), request) && request.has_transfer_leader();
  if (is_transfer) {
    co_return co_await typed<&transfer_leader, v1::AlterClusterRequest>(std::move(call));
  }
  co_return co_await at_controller<&alter_cluster, v1::AlterClusterRequest,
                                   v1::AlterClusterResponse>(std::move(call));
}

// The topic that holds groups is made at the controller; who coordinates is told here.
Task<rpc::Response> find_coordinator_anywhere(Call call) {
  BrokerContext& broker = call.broker;
  v1::FindCoordinatorRequest request;
  const bool makes_topic = rpc::deserialize(call.request.message.view(), request) &&
                           request.create() && !call.home.image()->find(group::kOffsetsTopic);
  if (makes_topic) {
    const asio::any_io_executor admin = broker.admin_shard().executor();
    const wire::Api api = call.request.api;
    auto answer = co_await call_on(admin, broker.gate->hand_on(api, call.request.message.view()));
    if (!answer) co_return co_await refused(broker, api, std::move(answer).error());
    v1::FindCoordinatorResponse response;
    if (*answer && rpc::deserialize(ByteView(**answer), response)) {
      const Offset known_at(response.metadata_offset());
      co_await call_on(admin, broker.placer->wait_for(
                                  known_at, std::chrono::steady_clock::now() + kHearOutcomeTime));
    }
    // Elsewhere, and not to be seen here yet: whoever asks again finds it.
    const bool is_here = !*answer || call.home.image()->find(group::kOffsetsTopic);
    if (!is_here) {
      const Status made = wire::status_of(response);
      co_return co_await refused(
          broker, api,
          made ? Error(Errc::kNotReady, "the topic that holds groups was made a moment ago")
               : made.error());
    }
  }
  co_return co_await typed<&find_coordinator, v1::FindCoordinatorRequest>(std::move(call));
}

// When a broker answers that has started and not heard yet what it once knew.
enum class Needs : std::uint8_t { kNothing, kMetadata };

struct Row {
  wire::Api api;
  HandlerFunction handle;
  Needs needs = Needs::kMetadata;
  HandlerFunction handle_here = nullptr;  // of what another broker handed on
};

Task<rpc::Response> forward(Call call);

constexpr std::array kTable = {
    Row{wire::Api::kDescribeCluster, typed<&describe_cluster, v1::DescribeClusterRequest>,
        Needs::kNothing},
    Row{wire::Api::kDescribeTopics, typed<&describe_topics, v1::DescribeTopicsRequest>},
    Row{wire::Api::kCreateTopic,
        at_controller<&create_topic, v1::CreateTopicRequest, v1::CreateTopicResponse>,
        Needs::kMetadata, typed<&create_topic, v1::CreateTopicRequest>},
    Row{wire::Api::kDeleteTopic,
        at_controller<&delete_topic, v1::DeleteTopicRequest, v1::DeleteTopicResponse>,
        Needs::kMetadata, typed<&delete_topic, v1::DeleteTopicRequest>},
    Row{wire::Api::kAlterTopic,
        at_controller<&alter_topic, v1::AlterTopicRequest, v1::AlterTopicResponse>,
        Needs::kMetadata, typed<&alter_topic, v1::AlterTopicRequest>},
    Row{wire::Api::kListOffsets, typed<&list_offsets, v1::ListOffsetsRequest>},
    Row{wire::Api::kDeleteRecords, typed<&delete_records, v1::DeleteRecordsRequest>},
    Row{wire::Api::kProduce, &produce},
    Row{wire::Api::kFetch, &fetch},
    Row{wire::Api::kInitProducer,
        at_controller<&init_producer, v1::InitProducerRequest, v1::InitProducerResponse>,
        Needs::kMetadata, typed<&init_producer, v1::InitProducerRequest>},
    Row{wire::Api::kExchange, &exchange, Needs::kNothing},
    Row{wire::Api::kJoin, at_controller<&join, v1::JoinRequest, v1::JoinResponse>, Needs::kNothing,
        typed<&join, v1::JoinRequest>},
    Row{wire::Api::kClusterStatus, typed<&cluster_status, v1::ClusterStatusRequest>,
        Needs::kNothing},
    Row{wire::Api::kAlterCluster, &alter_cluster_anywhere, Needs::kMetadata,
        typed<&alter_cluster, v1::AlterClusterRequest>},
    Row{wire::Api::kForward, &forward, Needs::kNothing},
    Row{wire::Api::kFindCoordinator, &find_coordinator_anywhere, Needs::kMetadata,
        typed<&find_coordinator, v1::FindCoordinatorRequest>},
    Row{wire::Api::kGroupHeartbeat, typed<&group_heartbeat, v1::GroupHeartbeatRequest>},
    Row{wire::Api::kLeaveGroup, typed<&leave_group, v1::LeaveGroupRequest>},
    Row{wire::Api::kCommitOffsets, typed<&commit_offsets, v1::CommitOffsetsRequest>},
    Row{wire::Api::kFetchOffsets, typed<&fetch_offsets, v1::FetchOffsetsRequest>},
    Row{wire::Api::kResetOffsets, typed<&reset_offsets, v1::ResetOffsetsRequest>},
    Row{wire::Api::kDeleteGroup, typed<&delete_group, v1::DeleteGroupRequest>},
    Row{wire::Api::kListGroups, typed<&list_groups, v1::ListGroupsRequest>},
    Row{wire::Api::kDescribeGroup, typed<&describe_group, v1::DescribeGroupRequest>},
};

const Row* find_row(wire::Api api) {
  const auto found = std::ranges::find(kTable, api, &Row::api);
  return found == kTable.end() ? nullptr : &*found;
}

Task<rpc::Response> forward(Call call) {
  BrokerContext& broker = call.broker;
  v1::ForwardRequest request;
  if (!rpc::deserialize(call.request.message.view(), request)) {
    co_return co_await refused(broker, wire::Api::kForward,
                               Error(Errc::kInvalidArgument, "the message is no ForwardRequest"));
  }
  if (request.cluster_id() != wire::to_wire(broker.identity.cluster_id)) {
    co_return co_await refused(broker, wire::Api::kForward,
                               Error(Errc::kForeignData, "this broker is of another cluster"));
  }
  const wire::ApiInfo* api = request.api() > std::numeric_limits<std::uint16_t>::max()
                                 ? nullptr
                                 : wire::find_api(static_cast<std::uint16_t>(request.api()));
  const Row* row = api == nullptr ? nullptr : find_row(api->api);
  if (row == nullptr || row->handle_here == nullptr) {
    co_return co_await refused(broker, wire::Api::kForward,
                               Error(Errc::kUnsupported, "requests of that API are not handed on"));
  }
  rpc::Request inner;
  inner.api = row->api;
  inner.version = call.request.version;
  inner.message =
      SharedBytes(Bytes(as_bytes(request.message()).begin(), as_bytes(request.message()).end()));
  inner.connection = call.request.connection;
  inner.received_steady_ns = call.request.received_steady_ns;
  const rpc::Response answer = co_await row->handle_here(Call{broker, call.home, std::move(inner)});
  v1::ForwardResponse response;
  response.set_message(answer.message.data(), answer.message.size());
  co_return rpc::Response{.message = rpc::serialize(response), .attachment = {}};
}

Task<rpc::Response> dispatch(BrokerContext& broker, Shard& home, rpc::Request request) {
  const wire::Api api = request.api;
  const Row* row = find_row(api);
  if (row == nullptr) {
    co_return error_response(Error(Errc::kUnsupported, "this broker does not offer the API"));
  }
  if (row->needs == Needs::kMetadata && !broker.has_caught_up.load(std::memory_order_relaxed)) {
    co_return co_await refused(
        broker, api,
        Error(Errc::kNotReady, "the broker has just started and asks the others what it missed"));
  }
  const std::int64_t received_ns = request.received_steady_ns;
  const std::int64_t begun_ns = broker.clock->steady_ns();
  rpc::Response response = co_await row->handle(Call{broker, home, std::move(request)});
  broker.metrics.request_done(api, begun_ns - received_ns, broker.clock->steady_ns() - received_ns);
  co_return response;
}

}  // namespace

rpc::Response error_response(const Error& error) {
  wire::v1::ErrorResponse response;
  wire::set_error(response, error);
  return {.message = rpc::serialize(response), .attachment = {}};
}

rpc::Handler make_handler(BrokerContext& broker, Shard& home) {
  return
      [&broker, &home](rpc::Request request) { return dispatch(broker, home, std::move(request)); };
}

}  // namespace penstock::broker
