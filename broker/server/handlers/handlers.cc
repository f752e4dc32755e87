#include "broker/server/handlers/handlers.h"

#include "broker/server/image_topics.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {

Result<TopicPartition> partition_id(std::string_view topic_id, std::int32_t partition) {
  PENSTOCK_TRY_ASSIGN(const Uuid topic, wire::uuid_from_wire(topic_id, "topic_id"));
  return TopicPartition{topic, PartitionId(partition)};
}

Status check_not_internal(std::string_view topic) {
  if (!is_internal_topic(topic)) return {};
  return fail(Errc::kInvalidArgument,
              std::string(topic) +
                  " belongs to Penstock itself: it can be read, and neither be "
                  "created, changed nor deleted by clients");
}

Status check_count(int count, int limit, std::string_view what) {
  if (count <= limit) return {};
  return fail(Errc::kInvalidArgument, std::to_string(count) + " " + std::string(what) +
                                          " in one request, at most " + std::to_string(limit) +
                                          "; send several");
}

namespace {

void add_broker(std::int32_t id, const rpc::Endpoint& endpoint,
                google::protobuf::RepeatedPtrField<wire::v1::Broker>* brokers) {
  wire::v1::Broker& broker = *brokers->Add();
  broker.set_id(id);
  broker.set_host(endpoint.host);
  broker.set_port(endpoint.port);
}

}  // namespace

void add_brokers(const Call& call, google::protobuf::RepeatedPtrField<wire::v1::Broker>* brokers) {
  const raft::NodeId self = call.broker.self();
  add_broker(self.value(), call.broker.config.advertise.value_or(call.request.connection->local),
             brokers);
  for (const auto& [id, broker] : call.home.image()->brokers()) {
    if (id == self || broker.host.empty() || broker.mode == BrokerMode::kDecommissioned) continue;
    add_broker(id.value(), {broker.host, broker.port}, brokers);
  }
}

std::vector<std::vector<std::size_t>> by_shard(const BrokerContext& broker,
                                               const std::vector<TopicPartition>& ids) {
  std::vector<std::vector<std::size_t>> groups(broker.shards.size());
  for (std::size_t i = 0; i < ids.size(); ++i) groups[broker.shard_index(ids[i])].push_back(i);
  return groups;
}

}  // namespace penstock::broker
