#include "broker/server/cluster_report.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "broker/server/replica_steps.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::ClusterStatusResponse;
using PartitionStatus = ClusterStatusResponse::PartitionStatus;

constexpr std::int32_t kNoLeader = -1;

void describe_member(const LedStatus& led, raft::NodeId node, Offset durable_end,
                     const std::function<std::int64_t(Offset)>& behind_ms,
                     ClusterStatusResponse::ReplicaStatus& out) {
  const bool is_self = node == led.group.self;
  const std::int64_t lag = std::max<std::int64_t>(led.group.log_end - durable_end, 0);
  out.set_broker_id(node.value());
  out.set_durable_end(durable_end.value());
  out.set_lag_records(lag);
  out.set_lag_bytes(static_cast<std::int64_t>(
      storage::bytes_between(led.segments, durable_end, led.group.log_end)));
  // A leader waits for its own disk, but lacks nothing.
  out.set_lag_ms(is_self || lag == 0 ? 0 : behind_ms(durable_end));
  out.set_voter(led.group.membership.is_voter(node));
  out.set_reachable(is_live(led.group, node));
}

void add_wanted(const ReplicaList& wanted, PartitionStatus& out) {
  for (const raft::NodeId node : wanted) out.add_wanted(node.value());
}

std::pair<std::string, std::int32_t> key(const PartitionStatus& partition) {
  return {partition.topic_id(), partition.partition()};
}

}  // namespace

void describe_led(const LedStatus& led, const std::function<std::int64_t(Offset)>& behind_ms,
                  PartitionStatus& out) {
  const LedGroup& group = led.group;
  out.set_leader(group.self.value());
  out.set_term(led.term.value());
  out.set_high_watermark(led.high_watermark.value());
  out.set_log_end(group.log_end.value());
  for (const raft::NodeId node : group.membership.everyone()) {
    const auto peer = std::ranges::find(group.peers, node, &raft::PeerStatus::node);
    const Offset follower = peer == group.peers.end() ? Offset(0) : peer->durable_end;
    describe_member(led, node, node == group.self ? led.durable_end : follower, behind_ms,
                    *out.add_replicas());
  }
  add_wanted(group.wanted, out);
  const Step step = next_step(group);
  if (!std::holds_alternative<StayAsItIs>(step.action)) out.set_step(step.why);
  const auto& voters = group.membership.voters;
  const auto ready = static_cast<std::size_t>(
      std::ranges::count_if(voters, [&](raft::NodeId node) { return is_ready(group, node); }));
  out.set_under_replicated(ready < group.wanted.size());
  out.set_at_risk(ready < group.wanted.size() && ready <= voters.size() / 2 + 1);
}

void describe_broker(const BrokerImage& broker, ClusterStatusResponse::BrokerStatus& out) {
  out.set_broker_id(broker.id.value());
  out.set_host(broker.host);
  out.set_port(broker.port);
  out.set_rack(broker.rack);
  out.set_state(std::string(to_string(broker.mode)));
}

void merge(ClusterStatusResponse part, ClusterStatusResponse& all) {
  for (auto& told : *part.mutable_brokers()) {
    const auto known = std::ranges::find_if(*all.mutable_brokers(), [&](const auto& broker) {
      return broker.broker_id() == told.broker_id();
    });
    if (known == all.mutable_brokers()->end()) continue;  // metadata here does not know it
    // Who it is says the metadata; what it holds, the broker.
    known->set_reachable(true);
    known->set_leaders(told.leaders());
    known->set_replicas(told.replicas());
    known->set_size_bytes(told.size_bytes());
  }
  std::map<std::pair<std::string, std::int32_t>, PartitionStatus*> known;
  for (PartitionStatus& one : *all.mutable_partitions()) known[key(one)] = &one;
  for (PartitionStatus& told : *part.mutable_partitions()) {
    const auto found = known.find(key(told));
    if (found == known.end()) {
      all.mutable_partitions()->Add(std::move(told));
    } else if (told.term() > found->second->term()) {
      *found->second = std::move(told);
    }
  }
  for (auto& damage : *part.mutable_damages()) all.mutable_damages()->Add(std::move(damage));
}

void complete(const ClusterImage& image, ClusterStatusResponse& all) {
  std::set<std::pair<std::string, std::int32_t>> described;
  for (const PartitionStatus& one : all.partitions()) described.insert(key(one));
  for (const auto& [name, topic] : image.topics()) {
    const std::string id = wire::to_wire(topic->id);
    for (std::uint32_t p = 0; p < topic->partitions; ++p) {
      const auto number = static_cast<std::int32_t>(p);
      if (described.contains({id, number})) continue;
      PartitionStatus& out = *all.add_partitions();
      out.set_topic_id(id);
      out.set_topic(name);
      out.set_partition(number);
      out.set_leader(kNoLeader);
      add_wanted(topic->placement[p]->brokers(), out);
      out.set_step("no broker that answered leads it");
      out.set_under_replicated(true);
      out.set_at_risk(true);
    }
  }
  std::ranges::sort(*all.mutable_brokers(), {}, [](const auto& one) { return one.broker_id(); });
  std::ranges::sort(*all.mutable_partitions(), {}, [](const PartitionStatus& one) {
    return std::tuple(one.topic(), one.partition());
  });
  std::ranges::sort(*all.mutable_damages(), {}, [](const auto& one) {
    return std::tuple(one.topic(), one.partition(), one.broker_id(), one.begin());
  });
  std::ranges::sort(*all.mutable_silent());
}

}  // namespace penstock::broker
