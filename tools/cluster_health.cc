#include "tools/cluster_health.h"

#include <algorithm>
#include <map>

#include "tools/limits.h"
#include "tools/output_table.h"

namespace penstock::tools {
namespace {

using client::BrokerStatus;
using client::ClusterStatus;
using client::PartitionStatus;

std::string number(std::int64_t value) { return std::to_string(value); }

std::string broker_name(const BrokerStatus& broker) {
  return "broker " + number(broker.id) + " (" + broker.host + ":" + number(broker.port) + ")";
}

// Several findings of one kind: the first few, and how many more there are.
class Kind {
 public:
  Kind(std::vector<Trouble>& out, Severity severity) : out_(out), severity_(severity) {}
  void add(const std::string& text) {
    if (++count_ <= kMaxFindingsOfAKind) out_.push_back({severity_, text});
  }
  void close(const std::string& what) {
    if (count_ <= kMaxFindingsOfAKind) return;
    out_.push_back({severity_, "... and " +
                                   number(static_cast<std::int64_t>(count_ - kMaxFindingsOfAKind)) +
                                   " more " + what});
  }

 private:
  std::vector<Trouble>& out_;
  const Severity severity_;
  std::size_t count_ = 0;
};

void find_broken(const ClusterStatus& status, std::vector<Trouble>& out) {
  if (status.controller < 0) {
    out.push_back({Severity::kBroken,
                   "no controller: topics and brokers cannot be changed until most of the voting "
                   "brokers are back"});
  }
  Kind leaderless(out, Severity::kBroken);
  for (const PartitionStatus& partition : status.partitions) {
    if (partition.leader >= 0) continue;
    std::string brokers;
    for (const std::int32_t id : partition.wanted) {
      brokers += (brokers.empty() ? "" : ", ") + number(id);
    }
    leaderless.add(name_of(partition) +
                   " has no leader that answers: nobody can write or read it until most of "
                   "its brokers (" +
                   brokers + ") are back");
  }
  leaderless.close("partitions without a leader");
}

void find_brokers_at_risk(const ClusterStatus& status, std::vector<Trouble>& out) {
  Kind away(out, Severity::kAtRisk);
  for (const BrokerStatus& broker : status.brokers) {
    // Nothing is left there: nobody asks it, and nobody misses it.
    const bool is_empty = broker.state == "decommissioned" || broker.state == "drained";
    const bool has_left = is_empty && broker.replicas == 0;
    if (!broker.reachable && !has_left) away.add(broker_name(broker) + " cannot be reached");
  }
  away.close("brokers that cannot be reached");
  for (const std::int32_t id : status.silent) {
    const auto same = [&](const BrokerStatus& broker) { return broker.id == id; };
    const auto broker = std::ranges::find_if(status.brokers, same);
    if (broker != status.brokers.end() && !broker->reachable) continue;  // said above
    out.push_back({Severity::kAtRisk, "broker " + number(id) +
                                          " did not answer: partitions that it leads may be "
                                          "missing here"});
  }
}

void find_partitions_at_risk(const ClusterStatus& status, std::vector<Trouble>& out) {
  Kind damaged(out, Severity::kAtRisk);
  for (const client::DamageStatus& damage : status.damages) {
    damaged.add(damage.topic + "/" + number(damage.partition.value()) + ": broker " +
                number(damage.broker) + " cannot read its offsets " + number(damage.begin.value()) +
                " to " + number(damage.end.value() - 1) + " (" + damage.reason + "); " +
                (damage.repair.empty() ? "not repaired yet" : damage.repair));
  }
  damaged.close("damaged ranges");
  Kind few(out, Severity::kAtRisk);
  for (const PartitionStatus& partition : status.partitions) {
    if (partition.leader < 0) continue;
    const std::string then = partition.step.empty() ? "" : "; " + partition.step;
    if (partition.under_replicated) {
      few.add(name_of(partition) + " has fewer live replicas than it should" + then);
    } else if (partition.at_risk && partition.wanted.size() > 1) {
      few.add(name_of(partition) + " would stop with one more failure" + then);
    }
  }
  few.close("partitions at risk");
}

void find_notes(const ClusterStatus& status, std::vector<Trouble>& out) {
  for (const BrokerStatus& broker : status.brokers) {
    if (broker.state == "active" || broker.state.empty()) continue;
    std::string text = "broker " + number(broker.id) + " is " + broker.state;
    if (broker.replicas > 0) text += " and holds " + number(broker.replicas) + " replicas";
    out.push_back({Severity::kNote, text});
  }
  std::size_t moving = 0;
  for (const PartitionStatus& partition : status.partitions) {
    if (!partition.step.empty()) ++moving;
  }
  if (moving > 0) {
    out.push_back({Severity::kNote, number(static_cast<std::int64_t>(moving)) +
                                        (moving == 1 ? " partition is" : " partitions are") +
                                        " being changed: penstock cluster status"});
  }
}

const char* word(Severity severity) {
  switch (severity) {
    case Severity::kBroken:
      return "broken   ";
    case Severity::kAtRisk:
      return "at risk  ";
    case Severity::kNote:
      break;
  }
  return "note     ";
}

}  // namespace

std::string name_of(const PartitionStatus& partition) {
  return partition.topic + "/" + number(partition.partition.value());
}

bool is_unusual(const PartitionStatus& partition) {
  const auto is_away = [](const client::ReplicaStatus& replica) { return !replica.reachable; };
  std::vector<std::int32_t> held;
  for (const client::ReplicaStatus& replica : partition.replicas) held.push_back(replica.broker);
  std::vector<std::int32_t> wanted = partition.wanted;
  std::ranges::sort(held);
  std::ranges::sort(wanted);
  return partition.leader < 0 || partition.under_replicated || !partition.step.empty() ||
         (partition.at_risk && wanted.size() > 1) || held != wanted ||
         std::ranges::any_of(partition.replicas, is_away);
}

std::vector<Trouble> find_troubles(const ClusterStatus& status) {
  std::vector<Trouble> findings;
  find_broken(status, findings);
  find_brokers_at_risk(status, findings);
  find_partitions_at_risk(status, findings);
  find_notes(status, findings);
  return findings;
}

ExitCode verdict(const std::vector<Trouble>& findings) {
  ExitCode code = ExitCode::kOk;
  for (const Trouble& finding : findings) {
    if (finding.severity == Severity::kBroken) return ExitCode::kBroken;
    if (finding.severity == Severity::kAtRisk) code = ExitCode::kAtRisk;
  }
  return code;
}

std::string health_text(const ClusterStatus& status, const std::vector<Trouble>& findings) {
  std::string text;
  for (const Trouble& finding : findings) {
    text += word(finding.severity) + printable(finding.text) + "\n";
  }
  const ExitCode code = verdict(findings);
  text += code == ExitCode::kOk       ? "healthy: "
          : code == ExitCode::kAtRisk ? "at risk: "
                                      : "broken: ";
  const auto count = [](std::size_t n, const std::string& noun) {
    return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
  };
  text += count(status.brokers.size(), "broker") + ", " +
          count(status.partitions.size(), "partition") + ", " +
          (status.controller < 0 ? "no controller" : "controller " + number(status.controller));
  return text + "\n";
}

}  // namespace penstock::tools
