#include "broker/controller/limits.h"
#include "broker/server/handlers/handlers.h"
#include "broker/server/image_topics.h"
#include "broker/server/limits.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::DescribeTopicsRequest;
using wire::v1::DescribeTopicsResponse;

constexpr std::int32_t kNoLeader = -1;

void describe_settings(const TopicImage& topic, wire::v1::Topic& out) {
  for (const SettingRow& row : topic_setting_table()) {
    wire::v1::Setting& setting = *out.add_settings();
    setting.set_name(std::string(row.name));
    setting.set_value(format_setting(row, topic.settings));
    setting.set_is_default(!topic.own_settings.contains(row.name));
  }
}

void describe(const TopicImage& topic, const DescribeTopicsRequest& request, wire::v1::Topic& out) {
  out.set_name(topic.name);
  out.set_topic_id(wire::to_wire(topic.id));
  out.set_internal(is_internal_topic(topic.name));
  for (std::uint32_t p = 0; p < topic.partitions; ++p) {
    wire::v1::Partition& partition = *out.add_partitions();
    partition.set_partition(static_cast<std::int32_t>(p));
    partition.set_leader(kNoLeader);
    for (const ReplicaImage& replica : topic.placement[p]->replicas) {
      partition.add_replicas(replica.broker.value());
    }
  }
  if (request.with_settings()) describe_settings(topic, out);
}

// On the partition's shard.
void describe_leader(const Shard& shard, const TopicPartition& id, wire::v1::Partition& out) {
  KnownLeader known = shard.leader_of(id);
  if (known.leader == raft::kNobody && out.replicas_size() == 1) {
    const auto partition = shard.find(id);
    const bool is_broken = !partition && partition.error().code() == Errc::kPartitionDamaged;
    if (is_broken) known.leader = raft::NodeId(out.replicas(0));  // whoever asks it is told why
  }
  if (known.leader == raft::kNobody) return;
  out.set_leader(known.leader.value());
  out.set_leader_epoch(known.term.value());
}

// On the partition's shard.
void describe_offsets(const Shard& shard, const TopicPartition& id, wire::v1::Partition& out) {
  const auto partition = shard.find(id);
  if (!partition) return wire::set_error(out, partition.error());
  out.set_log_start((*partition)->log_start().value());
  out.set_high_watermark((*partition)->high_watermark().value());
  out.set_size_bytes((*partition)->size_bytes());
  if (const Status healthy = (*partition)->health(); !healthy) {
    wire::set_error(out, healthy.error());
  }
}

Task<void> fill_from_shards(Call& call, const DescribeTopicsRequest& request,
                            DescribeTopicsResponse& response) {
  std::vector<TopicPartition> ids;
  std::vector<wire::v1::Partition*> rows;
  for (wire::v1::Topic& topic : *response.mutable_topics()) {
    for (wire::v1::Partition& partition : *topic.mutable_partitions()) {
      const auto id = partition_id(topic.topic_id(), partition.partition());
      if (!id) continue;  // cannot be: these ids are our own
      ids.push_back(*id);
      rows.push_back(&partition);
    }
  }
  const auto groups = by_shard(call.broker, ids);
  for (std::size_t s = 0; s < groups.size(); ++s) {
    if (groups[s].empty()) continue;
    Shard& shard = *call.broker.shards[s];
    co_await run_on(shard.executor(), [&] {
      for (const std::size_t i : groups[s]) {
        describe_leader(shard, ids[i], *rows[i]);
        if (request.with_offsets()) describe_offsets(shard, ids[i], *rows[i]);
      }
      return Status{};
    });
  }
}

}  // namespace

Task<Result<DescribeTopicsResponse>> describe_topics(Call call, DescribeTopicsRequest request) {
  PENSTOCK_CO_TRY(check_count(request.names_size(), kMaxTopicsPerRequest, "names"));
  const ImagePtr image = call.home.image();
  DescribeTopicsResponse response;
  response.set_metadata_offset(image->applied().value());
  add_brokers(call, response.mutable_brokers());
  if (request.names().empty()) {
    for (const auto& [name, topic] : image->topics()) {
      describe(*topic, request, *response.add_topics());
    }
  }
  std::uint64_t partitions = 0;
  for (const std::string& name : request.names()) {
    wire::v1::Topic& out = *response.add_topics();
    const TopicPtr topic = image->find(name);
    partitions += topic ? topic->partitions : 0;
    if (partitions > kMaxPartitionsPerBroker) {  // one topic over and over
      out.set_name(name);
      wire::set_error(out,
                      Error(Errc::kInvalidArgument, "the answer would name more than " +
                                                        std::to_string(kMaxPartitionsPerBroker) +
                                                        " partitions; ask for each topic once"));
    } else if (topic) {
      describe(*topic, request, out);
    } else {
      out.set_name(name);
      wire::set_error(out, Error(Errc::kUnknownTopic, "no topic '" + name + "'"));
    }
  }
  co_await fill_from_shards(call, request, response);
  co_return response;
}

}  // namespace penstock::broker
