#include "tools/group_lag.h"

#include <algorithm>
#include <set>

#include "tools/output_table.h"

namespace penstock::tools {
namespace {

using client::GroupDescription;
using client::GroupMemberDescription;
using client::GroupReason;
using client::NamedPartition;
using client::PartitionDescription;
using client::TopicDescription;

constexpr std::size_t kShortIdLetters = 8;

std::uint64_t distance(Offset from, Offset to) {
  return from < to ? static_cast<std::uint64_t>(to - from) : 0;
}

void measure(LagRow& row, const PartitionDescription& partition) {
  row.log_start = partition.log_start;
  row.log_end = partition.high_watermark;
  const Offset from = row.position.value_or(partition.log_start);
  const Offset begin = std::max(from, partition.log_start);
  row.records = distance(begin, partition.high_watermark);
  row.removed = distance(from, partition.log_start);
  if (*row.records == 0) row.seconds = 0;
  const std::uint64_t all = distance(partition.log_start, partition.high_watermark);
  row.bytes = all == 0 ? 0
                       : static_cast<std::uint64_t>(static_cast<double>(partition.size_bytes) *
                                                    static_cast<double>(*row.records) /
                                                    static_cast<double>(all));
}

std::string partition_name(const NamedPartition& partition) {
  return (partition.topic.empty() ? partition.id.topic.to_string() : partition.topic) + "/" +
         std::to_string(partition.id.partition.value());
}

std::string member_name(const std::optional<Uuid>& id, const GroupDescription& group) {
  if (!id) return "nobody";
  for (const GroupMemberDescription& member : group.members) {
    if (member.id == *id) return short_name(member);
  }
  return id->to_string().substr(0, kShortIdLetters);
}

std::string time_text(std::int64_t ms) { return human_seconds(static_cast<double>(ms) / 1'000); }

}  // namespace

std::vector<LagRow> lag_of(const GroupDescription& group,
                           const std::vector<TopicDescription>& topics) {
  std::map<TopicPartition, LagRow> rows;
  const auto row_of = [&](const NamedPartition& partition) -> LagRow& {
    LagRow& row = rows[partition.id];
    row.id = partition.id;
    row.topic = partition.topic.empty() ? partition.id.topic.to_string() : partition.topic;
    return row;
  };
  for (const auto& position : group.positions) {
    LagRow& row = row_of(position.partition);
    row.position = position.offset;
    row.committed_at = position.committed_at;
    row.note = position.text;
  }
  for (const GroupMemberDescription& member : group.members) {
    for (const NamedPartition& partition : member.owned)
      row_of(partition).owner = short_name(member);
    for (const NamedPartition& partition : member.revoking) {
      row_of(partition).owner = short_name(member);
    }
  }
  for (const TopicDescription& topic : topics) {
    for (const PartitionDescription& partition : topic.partitions) {
      LagRow& row = row_of({{topic.id, partition.partition}, topic.name});
      if (!partition.error) measure(row, partition);
    }
  }
  std::vector<LagRow> sorted;
  for (auto& [id, row] : rows) sorted.push_back(std::move(row));
  std::ranges::sort(sorted, {},
                    [](const LagRow& row) { return std::pair(row.topic, row.id.partition); });
  return sorted;
}

void set_ages(std::vector<LagRow>& rows, const std::map<TopicPartition, Timestamp>& first_unread,
              Timestamp now) {
  for (LagRow& row : rows) {
    const auto made = first_unread.find(row.id);
    if (made == first_unread.end() || row.seconds) continue;
    row.seconds =
        static_cast<double>(std::max<std::int64_t>(now.ms() - made->second.ms(), 0)) / 1e3;
  }
}

std::vector<std::string> topics_of(const GroupDescription& group) {
  std::set<std::string> names;
  for (const auto& position : group.positions) names.insert(position.partition.topic);
  for (const GroupMemberDescription& member : group.members) {
    for (const NamedPartition& partition : member.share) names.insert(partition.topic);
    for (const NamedPartition& partition : member.owned) names.insert(partition.topic);
  }
  names.erase("");
  return {names.begin(), names.end()};
}

client::LogEnds log_ends_of(const std::vector<TopicDescription>& topics) {
  client::LogEnds ends;
  for (const TopicDescription& topic : topics) {
    for (const PartitionDescription& partition : topic.partitions) {
      if (!partition.error) ends[{topic.id, partition.partition}] = partition.high_watermark;
    }
  }
  return ends;
}

std::string short_name(const GroupMemberDescription& member) {
  return member.instance.empty() ? member.id.to_string().substr(0, kShortIdLetters)
                                 : member.instance;
}

std::string state_of(const GroupDescription& group) {
  std::size_t present = 0;
  for (const GroupMemberDescription& member : group.members) present += member.away ? 0 : 1;
  if (group.members.empty()) return "empty";
  if (present == 0) return "away";
  const auto names = [](const std::vector<NamedPartition>& partitions) {
    std::set<TopicPartition> ids;
    for (const NamedPartition& one : partitions) ids.insert(one.id);
    return ids;
  };
  for (const GroupMemberDescription& member : group.members) {
    if (member.away) continue;
    if (!member.revoking.empty() || names(member.owned) != names(member.share)) return "moving";
  }
  return "stable";
}

std::string reason_text(const GroupReason& reason, const GroupDescription& group) {
  const std::string member = member_name(reason.member, group);
  const std::string other = member_name(reason.other, group);
  const std::string partition = reason.partition ? partition_name(*reason.partition) : "";
  const std::string amount =
      with_thousands(static_cast<std::uint64_t>(std::max<std::int64_t>(reason.amount, 0)));
  const std::string& cause = reason.cause;
  if (cause == "no-members") return "nobody reads: the group has no members";
  if (cause == "no-such-topic") return "there is no topic '" + reason.topic + "' to read";
  if (cause == "not-dealt") {
    return amount + " partitions of " + reason.topic +
           " are nobody's: not noticed yet, or more than a group may have";
  }
  if (cause == "idle-member") {
    return "member " + member + " has nothing to read: there are fewer partitions than members";
  }
  if (cause == "away") {
    return "member " + member + " is away; its partitions wait for its return for " +
           time_text(reason.amount) + " more";
  }
  if (cause == "held-back") {
    return partition + " is to go from member " + other + " to member " + member +
           ", and the first one has not let it go" +
           (reason.amount > 0 ? " for " + time_text(reason.amount) : "");
  }
  if (cause == "not-fetched") {
    return "member " + member + " gets " + partition + " with its next heartbeat";
  }
  if (cause == "silent") {
    return "member " + member + " was not heard for " + time_text(reason.amount);
  }
  if (cause == "processing") {
    return "member " + member + " lives, but has not asked for records for " +
           time_text(reason.amount);
  }
  if (cause == "never-committed") {
    return "member " + member + " owns " + partition + " and has never committed";
  }
  if (cause == "behind") {
    return partition + " is " + amount + " records behind (member " + member + ")";
  }
  if (cause == "at-end") return "everything is read and committed: there is nothing to do";
  return cause + (partition.empty() ? "" : " " + partition);
}

}  // namespace penstock::tools
