#include "broker/server/dispatch.h"

#include <array>

#include "broker/server/handlers/handlers.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"

namespace penstock::broker {
namespace {

using HandlerFunction = Task<rpc::Response> (*)(Call);

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

struct Row {
  wire::Api api;
  HandlerFunction handle;
};

constexpr std::array kTable = {
    Row{wire::Api::kDescribeCluster, typed<&describe_cluster, wire::v1::DescribeClusterRequest>},
    Row{wire::Api::kDescribeTopics, typed<&describe_topics, wire::v1::DescribeTopicsRequest>},
    Row{wire::Api::kCreateTopic, typed<&create_topic, wire::v1::CreateTopicRequest>},
    Row{wire::Api::kDeleteTopic, typed<&delete_topic, wire::v1::DeleteTopicRequest>},
    Row{wire::Api::kAlterTopic, typed<&alter_topic, wire::v1::AlterTopicRequest>},
    Row{wire::Api::kListOffsets, typed<&list_offsets, wire::v1::ListOffsetsRequest>},
    Row{wire::Api::kDeleteRecords, typed<&delete_records, wire::v1::DeleteRecordsRequest>},
    Row{wire::Api::kProduce, &produce},
    Row{wire::Api::kFetch, &fetch},
};

HandlerFunction find_handler(wire::Api api) {
  for (const Row& row : kTable) {
    if (row.api == api) return row.handle;
  }
  return nullptr;
}

Task<rpc::Response> dispatch(BrokerContext& broker, Shard& home, rpc::Request request) {
  const wire::Api api = request.api;
  const HandlerFunction handle = find_handler(api);
  if (handle == nullptr) {
    co_return error_response(Error(Errc::kUnsupported, "this broker does not offer the API"));
  }
  const std::int64_t received_ns = request.received_steady_ns;
  const std::int64_t begun_ns = broker.clock->steady_ns();
  rpc::Response response = co_await handle(Call{broker, home, std::move(request)});
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
