// State of brokers and replicas: what this broker leads and holds, and unless only that was asked
// for, what all others say of theirs.
#include <algorithm>

#include "broker/server/broker_calls.h"
#include "broker/server/cluster_report.h"
#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/metadata_group.h"
#include "broker/server/replica_upkeep.h"
#include "broker/server/upkeep_limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::ClusterStatusRequest;
using wire::v1::ClusterStatusResponse;

// --- one shard; on it

void name(const TopicImage& topic, PartitionId partition,
          ClusterStatusResponse::PartitionStatus& out) {
  out.set_topic_id(wire::to_wire(topic.id));
  out.set_topic(topic.name);
  out.set_partition(partition.value());
}

void report_led(const Shard& shard, const Partition& partition, const TopicImage& topic,
                const ReplicaList& must_not_lead, std::int64_t now_ms, ClusterStatusResponse& out) {
  const TopicPartition& id = partition.id();
  const raft::Group& group = partition.replica().group();
  const LedStatus led{
      .group = led_group(group, topic.partition(id.partition).brokers(), must_not_lead, now_ms),
      .term = group.term(),
      .durable_end = group.durable_end(),
      .high_watermark = partition.high_watermark(),
      .segments = partition.segments()};
  auto& row = *out.add_partitions();
  name(topic, id.partition, row);
  describe_led(led, [&](Offset end) { return shard.upkeep().behind_ms(id, end); }, row);
}

std::string repair_of(const Partition& partition) {
  const raft::Membership& members = partition.replica().group().membership();
  if (members.everyone().size() <= 1) return "none: no other replica holds the records";
  return "asks the leader for the records";
}

void report_damage(const Partition& partition, const TopicImage& topic, raft::NodeId self,
                   ClusterStatusResponse& out) {
  for (const auto& range : partition.damage()) {
    auto& damage = *out.add_damages();
    damage.set_topic(topic.name);
    damage.set_partition(partition.id().partition.value());
    damage.set_broker_id(self.value());
    damage.set_begin(range.begin.value());
    damage.set_end(range.end.value());
    damage.set_reason(range.reason);
    damage.set_repair(repair_of(partition));
  }
}

// A partition that is placed here and could not be opened.
void report_broken(const TopicImage& topic, PartitionId partition, const Error& why,
                   raft::NodeId self, ClusterStatusResponse& out) {
  auto& damage = *out.add_damages();
  damage.set_topic(topic.name);
  damage.set_partition(partition.value());
  damage.set_broker_id(self.value());
  damage.set_reason(why.message());
  damage.set_repair("none: the replica could not be opened");
}

// What the shard leads and holds; the counts are in the one row of brokers.
ClusterStatusResponse report_shard(const BrokerContext& broker, Shard& shard) {
  ClusterStatusResponse out;
  auto& here = *out.add_brokers();
  const ImagePtr image = shard.image();
  const ReplicaList must_not_lead = brokers_that_must_not_lead(*image);
  const std::int64_t now_ms = shard.ticks().now_ms();
  for (const std::shared_ptr<Partition>& partition : shard.partitions()) {
    here.set_replicas(here.replicas() + 1);
    here.set_size_bytes(here.size_bytes() + partition->size_bytes());
    const TopicPartition& id = partition->id();
    const TopicPtr topic = image->find(id.topic);
    if (!topic || static_cast<std::size_t>(id.partition.value()) >= topic->placement.size()) {
      continue;  // on its way out
    }
    report_damage(*partition, *topic, broker.self(), out);
    if (partition->replica().role() != raft::Role::kLeader) continue;
    here.set_leaders(here.leaders() + 1);
    report_led(shard, *partition, *topic, must_not_lead, now_ms, out);
  }
  if (shard.broken_partitions() == 0) return out;
  for (const auto& [topic_name, topic] : image->topics()) {
    for (std::uint32_t p = 0; p < topic->partitions; ++p) {
      const TopicPartition id{topic->id, PartitionId(static_cast<std::int32_t>(p))};
      if (broker.shard_index(id) != shard.index() || !topic->placement[p]->has(broker.self())) {
        continue;
      }
      const auto found = shard.find(id);
      if (found || found.error().code() == Errc::kNotReady) continue;  // that one is being opened
      report_broken(*topic, id.partition, found.error(), broker.self(), out);
    }
  }
  return out;
}

// --- this broker; on the admin shard

void describe_group(const MetadataGroup& metadata, const raft::Membership& members,
                    ClusterStatusResponse& out) {
  out.set_controller(metadata.controller().value());
  for (auto& row : *out.mutable_brokers()) {
    row.set_votes(members.is_voter(raft::NodeId(row.broker_id())));
  }
}

// All brokers as the metadata has them, and what this one leads and holds. `reached_at`: where
// whoever asks has found it.
Task<ClusterStatusResponse> report_here(const BrokerContext& broker, rpc::Endpoint reached_at) {
  ClusterStatusResponse all;
  const ImagePtr image = broker.metadata->image();
  for (const auto& [id, known] : image->brokers()) describe_broker(known, *all.add_brokers());
  for (auto& row : *all.mutable_brokers()) {
    if (row.broker_id() != broker.self().value() || !row.host().empty()) continue;
    row.set_host(reached_at.host);
    row.set_port(reached_at.port);
  }
  describe_group(*broker.metadata, broker.metadata->partition().replica().group().membership(),
                 all);
  ClusterStatusResponse here;
  auto& self = *here.add_brokers();
  self.set_broker_id(broker.self().value());
  for (const auto& shard : broker.shards) {
    ClusterStatusResponse part = co_await run_on(
        shard->executor(), [&broker, &shard = *shard] { return report_shard(broker, shard); });
    self.set_leaders(self.leaders() + part.brokers(0).leaders());
    self.set_replicas(self.replicas() + part.brokers(0).replicas());
    self.set_size_bytes(self.size_bytes() + part.brokers(0).size_bytes());
    here.mutable_partitions()->MergeFrom(part.partitions());
    here.mutable_damages()->MergeFrom(part.damages());
  }
  merge(std::move(here), all);
  co_return all;
}

// --- the others

struct Question {
  raft::NodeId broker;
  Bytes message;
  rpc::Deadline deadline;
};

Task<void> ask(BrokerCalls& calls, Question question, ClusterStatusResponse& all) {
  const auto answer = co_await calls.call(question.broker, wire::Api::kClusterStatus,
                                          std::move(question.message), question.deadline);
  ClusterStatusResponse part;
  if (!answer || !rpc::deserialize(*answer, part) || part.error().code() != 0) {
    all.add_silent(question.broker.value());
    co_return;
  }
  merge(std::move(part), all);
}

bool may_hold_something(const BrokerImage& broker) {
  return broker.mode != BrokerMode::kDrained && broker.mode != BrokerMode::kDecommissioned;
}

Task<Result<ClusterStatusResponse>> collect(BrokerContext& broker, ClusterStatusRequest request,
                                            rpc::Endpoint reached_at) {
  ClusterStatusResponse all = co_await report_here(broker, std::move(reached_at));
  if (request.only_here()) {
    // Of others it knows by hearsay only.
    const auto others = std::ranges::remove_if(*all.mutable_brokers(), [&](const auto& row) {
      return row.broker_id() != broker.self().value();
    });
    all.mutable_brokers()->erase(others.begin(), others.end());
    co_return all;
  }
  const ImagePtr image = broker.metadata->image();
  ClusterStatusRequest only_there;
  only_there.set_only_here(true);
  const Bytes message = rpc::serialize(only_there);
  const rpc::Deadline deadline = std::chrono::steady_clock::now() + kStatusTime;
  TaskGroup asking(broker.admin_shard().executor());
  for (const auto& [id, other] : image->brokers()) {
    if (id == broker.self()) continue;
    asking.spawn("status", ask(*broker.calls, {id, message, deadline}, all));
  }
  co_await asking.wait();
  const auto empty = std::ranges::remove_if(*all.mutable_silent(), [&](std::int32_t id) {
    const BrokerImage* other = image->find(raft::NodeId(id));
    return other == nullptr || !may_hold_something(*other);
  });
  all.mutable_silent()->erase(empty.begin(), empty.end());
  complete(*image, all);
  co_return all;
}

}  // namespace

Task<Result<ClusterStatusResponse>> cluster_status(Call call, ClusterStatusRequest request) {
  const rpc::Endpoint reached_at =
      call.broker.config.advertise.value_or(call.request.connection->local);
  co_return co_await call_on(call.broker.admin_shard().executor(),
                             collect(call.broker, std::move(request), reached_at));
}

}  // namespace penstock::broker
