#include "broker/controller/metadata_record.h"

namespace penstock::broker {
namespace {

std::string text_of(const SettingMap& settings) {
  std::string text;
  for (const auto& [name, value] : settings) text += " " + name + "=" + value;
  return text;
}

// " placed=1,2;2,3", with "*7" behind a list that stands for seven in a row.
std::string text_of(const std::vector<ReplicaList>& placement) {
  std::string text;
  for (std::size_t i = 0, next = 0; i < placement.size(); i = next) {
    while (next < placement.size() && placement[next] == placement[i]) ++next;
    text += (i == 0 ? " placed=" : ";") + to_string(placement[i]);
    if (next - i > 1) text += "*" + std::to_string(next - i);
  }
  return text;
}

std::string number(raft::NodeId node) { return std::to_string(node.value()); }

struct Printer {
  std::string operator()(const BrokerStarted& r) const {
    return "broker-started id=" + std::to_string(r.broker_id) +
           " epoch=" + std::to_string(r.leader_epoch.value());
  }
  std::string operator()(const TopicCreated& r) const {
    return "topic-created id=" + r.id.to_string() + " name=" + r.name +
           " partitions=" + std::to_string(r.partitions) + text_of(r.settings) +
           text_of(r.placement);
  }
  std::string operator()(const TopicAltered& r) const {
    return "topic-altered id=" + r.id.to_string() + " partitions=" + std::to_string(r.partitions) +
           text_of(r.settings) + text_of(r.placement);
  }
  std::string operator()(const TopicDeleted& r) const {
    return "topic-deleted id=" + r.id.to_string();
  }
  std::string operator()(const TopicForgotten& r) const {
    return "topic-forgotten id=" + r.id.to_string() +
           (r.broker == raft::kNobody ? "" : " broker=" + number(r.broker));
  }
  std::string operator()(const BrokerRegistered& r) const {
    return "broker-registered id=" + number(r.broker) + " directory=" + r.directory.to_string() +
           " address=" + r.host + ":" + std::to_string(r.port) +
           (r.rack.empty() ? "" : " rack=" + r.rack);
  }
  std::string operator()(const BrokerModeChanged& r) const {
    return "broker-mode-changed id=" + number(r.broker) + " mode=" + std::string(to_string(r.mode));
  }
  std::string operator()(const BrokerRemoved& r) const {
    return "broker-removed id=" + number(r.broker);
  }
  std::string operator()(const ReplicasPlaced& r) const {
    std::string text = "replicas-placed topic=" + r.topic.to_string() +
                       " replication=" + std::to_string(r.replication_factor);
    for (const auto& one : r.partitions) {
      text += " " + std::to_string(one.partition.value()) + "=" + to_string(one.replicas);
    }
    return text;
  }
  std::string operator()(const ProducerIdsAllocated& r) const {
    return "producer-ids-allocated broker=" + number(r.broker) +
           " first=" + std::to_string(r.first) + " count=" + std::to_string(r.count);
  }
  std::string operator()(const ProducerRegistered& r) const {
    return "producer-registered name=" + r.name + " id=" + std::to_string(r.identity.id) +
           " epoch=" + std::to_string(r.identity.epoch) + " instance=" + r.instance.to_string();
  }
  std::string operator()(const ProducerForgotten& r) const {
    return "producer-forgotten name=" + r.name;
  }
};

}  // namespace

std::string_view to_string(BrokerMode mode) {
  switch (mode) {
    case BrokerMode::kActive:
      return "active";
    case BrokerMode::kDraining:
      return "draining";
    case BrokerMode::kDrained:
      return "drained";
    case BrokerMode::kDecommissioning:
      return "decommissioning";
    case BrokerMode::kDecommissioned:
      return "decommissioned";
  }
  return "unknown";
}

std::string to_string(const ReplicaList& replicas) {
  std::string text;
  for (const raft::NodeId node : replicas) text += (text.empty() ? "" : ",") + number(node);
  return text;
}

std::string to_string(const MetadataRecord& record) { return std::visit(Printer{}, record); }

}  // namespace penstock::broker
