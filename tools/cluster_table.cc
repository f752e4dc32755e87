#include "tools/cluster_table.h"

#include <algorithm>
#include <boost/json.hpp>

#include "tools/cluster_health.h"
#include "tools/output_table.h"

namespace penstock::tools {
namespace {

namespace json = boost::json;
using client::BrokerStatus;
using client::ClusterStatus;
using client::PartitionStatus;
using client::ReplicaStatus;

std::string count(std::int64_t value) {
  return value < 0 ? "?" : with_thousands(static_cast<std::uint64_t>(value));
}

std::string yes(bool is_so) { return is_so ? "yes" : "no"; }

bool is_shown(const PartitionStatus& partition, Partitions which) {
  return which == Partitions::kAll || is_unusual(partition);
}

std::string brokers_table(const ClusterStatus& status) {
  OutputTable table({{"BROKER", Align::kRight},
                     {"ADDRESS"},
                     {"RACK"},
                     {"STATE"},
                     {"REACHABLE"},
                     {"VOTES"},
                     {"LEADERS", Align::kRight},
                     {"REPLICAS", Align::kRight},
                     {"SIZE", Align::kRight},
                     {""}});
  for (const BrokerStatus& broker : status.brokers) {
    table.add_row({std::to_string(broker.id), broker.host + ":" + std::to_string(broker.port),
                   broker.rack.empty() ? "-" : broker.rack, broker.state, yes(broker.reachable),
                   yes(broker.votes), count(broker.leaders), count(broker.replicas),
                   human_bytes(broker.size_bytes),
                   broker.id == status.controller ? "controller" : ""});
  }
  return table.render();
}

std::string role(const PartitionStatus& partition, const ReplicaStatus& replica) {
  if (replica.broker == partition.leader) return "leader";
  return replica.voter ? "follower" : "learner";
}

// "level", "12,345 records, 1.2 MB, 3.10 s", "unreachable"
std::string lag(const PartitionStatus& partition, const ReplicaStatus& replica) {
  std::string text;
  if (!replica.reachable) text = "unreachable";
  if (replica.broker == partition.leader) return text;
  if (replica.lag_records == 0) return text.empty() ? "level" : text;
  if (!text.empty()) text += ", ";
  text += count(replica.lag_records) + (replica.lag_records == 1 ? " record" : " records");
  if (replica.lag_bytes >= 0) {
    text += ", " + human_bytes(static_cast<std::uint64_t>(replica.lag_bytes));
  }
  return text + ", " + human_seconds(static_cast<double>(replica.lag_ms) / 1000) + " behind";
}

std::string remarks(const PartitionStatus& partition) {
  std::vector<std::string> words;
  if (partition.leader < 0) words.emplace_back("no leader");
  if (partition.under_replicated) words.emplace_back("under-replicated");
  if (partition.at_risk && partition.wanted.size() > 1) words.emplace_back("at risk");
  if (!partition.step.empty()) words.push_back(partition.step);
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : "; ") + word;
  return text;
}

void add_rows(OutputTable& table, const PartitionStatus& partition) {
  std::vector<std::string> cells = {name_of(partition), std::to_string(partition.term.value()),
                                    count(partition.high_watermark.value())};
  std::string note = remarks(partition);
  const auto add = [&](const std::string& broker, const std::string& what, const std::string& lag) {
    table.add_row({cells[0], cells[1], cells[2], broker, what, lag, note});
    cells.assign(3, "");  // once a partition
    note.clear();
  };
  for (const ReplicaStatus& replica : partition.replicas) {
    add(std::to_string(replica.broker), role(partition, replica), lag(partition, replica));
  }
  for (const std::int32_t broker : partition.wanted) {
    const auto holds = [&](const ReplicaStatus& replica) { return replica.broker == broker; };
    if (std::ranges::any_of(partition.replicas, holds)) continue;
    add(std::to_string(broker), partition.replicas.empty() ? "replica" : "wanted", "");
  }
}

std::string partitions_table(const ClusterStatus& status, Partitions which) {
  OutputTable table({{"PARTITION"},
                     {"TERM", Align::kRight},
                     {"HIGH WATERMARK", Align::kRight},
                     {"BROKER", Align::kRight},
                     {"ROLE"},
                     {"LAG"},
                     {"STATE"}});
  for (const PartitionStatus& partition : status.partitions) {
    if (is_shown(partition, which)) add_rows(table, partition);
  }
  return table.empty() ? "" : "\n" + table.render();
}

std::string damages_table(const ClusterStatus& status) {
  OutputTable table({{"DAMAGED"}, {"BROKER", Align::kRight}, {"OFFSETS"}, {"REASON"}, {"REPAIR"}});
  for (const client::DamageStatus& damage : status.damages) {
    table.add_row(
        {damage.topic + "/" + std::to_string(damage.partition.value()),
         std::to_string(damage.broker),
         std::to_string(damage.begin.value()) + ".." + std::to_string(damage.end.value() - 1),
         damage.reason, damage.repair});
  }
  return table.empty() ? "" : "\n" + table.render();
}

std::string summary(const ClusterStatus& status, Partitions which) {
  const auto unusual = std::ranges::count_if(status.partitions, is_unusual);
  std::string text =
      std::to_string(status.partitions.size()) +
      (status.partitions.size() == 1 ? " partition" : " partitions") +
      (unusual == 0 ? ", as wanted" : ", " + std::to_string(unusual) + " not as wanted");
  if (unusual == 0 && which == Partitions::kUnusual && !status.partitions.empty()) {
    text += " (--all shows them)";
  }
  if (status.controller < 0) text += "; no controller";
  for (std::size_t i = 0; i < status.silent.size(); ++i) {
    text += (i == 0 ? "; no answer from broker " : ", ") + std::to_string(status.silent[i]);
  }
  return "\n" + text + "\n";
}

json::object to_json(const BrokerStatus& broker) {
  return {{"broker", broker.id},         {"host", broker.host},
          {"port", broker.port},         {"rack", broker.rack},
          {"state", broker.state},       {"reachable", broker.reachable},
          {"votes", broker.votes},       {"leaders", broker.leaders},
          {"replicas", broker.replicas}, {"size_bytes", broker.size_bytes}};
}

json::object to_json(const ReplicaStatus& replica) {
  return {{"broker", replica.broker},           {"durable_end", replica.durable_end.value()},
          {"lag_records", replica.lag_records}, {"lag_bytes", replica.lag_bytes},
          {"lag_ms", replica.lag_ms},           {"voter", replica.voter},
          {"reachable", replica.reachable}};
}

json::object to_json(const PartitionStatus& partition) {
  json::array replicas;
  for (const ReplicaStatus& replica : partition.replicas) replicas.push_back(to_json(replica));
  return {{"topic", partition.topic},
          {"partition", partition.partition.value()},
          {"leader", partition.leader},
          {"term", partition.term.value()},
          {"high_watermark", partition.high_watermark.value()},
          {"log_end", partition.log_end.value()},
          {"replicas", std::move(replicas)},
          {"wanted", json::array(partition.wanted.begin(), partition.wanted.end())},
          {"step", partition.step},
          {"under_replicated", partition.under_replicated},
          {"at_risk", partition.at_risk}};
}

json::object to_json(const client::DamageStatus& damage) {
  return {{"topic", damage.topic},     {"partition", damage.partition.value()},
          {"broker", damage.broker},   {"begin", damage.begin.value()},
          {"end", damage.end.value()}, {"reason", damage.reason},
          {"repair", damage.repair}};
}

}  // namespace

std::string status_text(const ClusterStatus& status, Partitions which) {
  return brokers_table(status) + partitions_table(status, which) + damages_table(status) +
         summary(status, which);
}

json::object status_json(const ClusterStatus& status, Partitions which) {
  json::array brokers;
  for (const BrokerStatus& broker : status.brokers) brokers.push_back(to_json(broker));
  json::array partitions;
  for (const PartitionStatus& partition : status.partitions) {
    if (is_shown(partition, which)) partitions.push_back(to_json(partition));
  }
  json::array damages;
  for (const client::DamageStatus& damage : status.damages) damages.push_back(to_json(damage));
  return {{"controller", status.controller},
          {"brokers", std::move(brokers)},
          {"partitions", std::move(partitions)},
          {"silent", json::array(status.silent.begin(), status.silent.end())},
          {"damages", std::move(damages)}};
}

}  // namespace penstock::tools
