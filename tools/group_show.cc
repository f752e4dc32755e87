// penstock group list, describe, explain.
#include <boost/json.hpp>
#include <iostream>

#include "base/clock.h"
#include "client/consumer.h"
#include "tools/commands.h"
#include "tools/group_lag.h"
#include "tools/limits.h"
#include "tools/output_table.h"
#include "tools/shared_flags.h"
#include "tools/time_spec.h"

namespace penstock::tools {
namespace {

namespace json = boost::json;
using client::GroupDescription;
using client::GroupMemberDescription;
using client::NamedPartition;
using client::TopicDescription;

// Topics that were deleted meanwhile are left out.
Result<std::vector<TopicDescription>> describe_topics(client::Client& client,
                                                      const std::vector<std::string>& names) {
  std::vector<TopicDescription> found;
  for (const std::string& name : names) {
    auto topics = client.admin().describe_topics({name});
    if (!topics && topics.error().code() == Errc::kUnknownTopic) continue;
    if (!topics) return fail(std::move(topics).error());
    for (TopicDescription& topic : *topics) found.push_back(std::move(topic));
  }
  return found;
}

// When the first record that the group has not read was made; what is not found in time is left
// out.
Result<std::map<TopicPartition, Timestamp>> first_unread(client::Client& client,
                                                         const std::vector<LagRow>& rows) {
  std::vector<client::Assignment> wanted;
  std::map<std::pair<std::string, PartitionId>, TopicPartition> ids;
  for (const LagRow& row : rows) {
    if (row.records.value_or(0) == 0 || wanted.size() == kMaxAgesLookedUp) continue;
    const Offset from = std::max(row.position.value_or(*row.log_start), *row.log_start);
    wanted.push_back({row.topic, row.id.partition, client::StartAt::offset(from)});
    ids[{row.topic, row.id.partition}] = row.id;
  }
  std::map<TopicPartition, Timestamp> found;
  if (wanted.empty()) return found;
  client::ConsumerConfig config;
  config.partition_fetch_bytes = 1;  // one batch of each
  PENSTOCK_TRY_ASSIGN(const auto consumer, client::Consumer::open(client, config));
  if (const Status assigned = consumer->assign(wanted); !assigned) return found;
  const auto until = std::chrono::steady_clock::now() + kAgeLookupTime;
  while (found.size() < wanted.size() && std::chrono::steady_clock::now() < until) {
    auto chunks = consumer->poll(kAgeLookupPoll);
    if (!chunks) continue;  // of one partition
    for (client::Chunk& chunk : *chunks) {
      const auto record = chunk.next();
      if (!record || !*record) continue;
      found.try_emplace(ids.at({chunk.topic(), chunk.partition()}), (*record)->timestamp);
      static_cast<void>(consumer->pause(chunk.topic(), chunk.partition()));
    }
  }
  PENSTOCK_TRY(consumer->close());
  return found;
}

Result<std::vector<LagRow>> lag(client::Client& client, const GroupDescription& group) {
  PENSTOCK_TRY_ASSIGN(const auto topics, describe_topics(client, topics_of(group)));
  std::vector<LagRow> rows = lag_of(group, topics);
  PENSTOCK_TRY_ASSIGN(const auto made, first_unread(client, rows));
  set_ages(rows, made, system_clock().wall());
  return rows;
}

// --- text

template <typename Number>
std::string optional_text(const std::optional<Number>& number, auto format) {
  return number ? format(*number) : "-";
}

std::string offset_text(const std::optional<Offset>& offset) {
  return offset ? std::to_string(offset->value()) : "-";
}

std::string partitions_text(const std::vector<NamedPartition>& partitions) {
  std::map<std::string, std::string> by_topic;
  for (const NamedPartition& one : partitions) {
    std::string& text = by_topic[one.topic.empty() ? one.id.topic.to_string() : one.topic];
    text += (text.empty() ? "" : ",") + std::to_string(one.id.partition.value());
  }
  std::string all;
  for (const auto& [topic, numbers] : by_topic) {
    all += (all.empty() ? "" : " ") + topic + "/" + numbers;
  }
  return all.empty() ? "-" : all;
}

std::string ms_text(std::int64_t ms) { return human_seconds(static_cast<double>(ms) / 1'000); }

std::string members_table(const GroupDescription& group) {
  OutputTable table({{"MEMBER"},
                     {"CLIENT"},
                     {"HOST"},
                     {"HEARD", Align::kRight},
                     {"POLLED", Align::kRight},
                     {"PARTITIONS"}});
  for (const GroupMemberDescription& member : group.members) {
    table.add_row({short_name(member), member.client, member.host,
                   member.away ? "away" : ms_text(member.silent_ms),
                   member.away ? "-" : ms_text(member.since_poll_ms),
                   partitions_text(member.owned)});
  }
  return table.render();
}

std::string lag_table(const std::vector<LagRow>& rows) {
  OutputTable table({{"TOPIC"},
                     {"PARTITION", Align::kRight},
                     {"POSITION", Align::kRight},
                     {"END", Align::kRight},
                     {"LAG", Align::kRight},
                     {"BYTES", Align::kRight},
                     {"TIME", Align::kRight},
                     {"OWNER"},
                     {"LAST COMMIT"},
                     {"NOTE"}});
  for (const LagRow& row : rows) {
    std::string note = row.note;
    if (row.removed.value_or(0) > 0) {
      note =
          with_thousands(*row.removed) + " were removed unread" + (note.empty() ? "" : "; " + note);
    }
    table.add_row({row.topic, std::to_string(row.id.partition.value()), offset_text(row.position),
                   offset_text(row.log_end), optional_text(row.records, with_thousands),
                   optional_text(row.bytes, human_bytes), optional_text(row.seconds, human_seconds),
                   row.owner.empty() ? "-" : row.owner, format_time(row.committed_at), note});
  }
  return table.render();
}

std::uint64_t total_lag(const std::vector<LagRow>& rows) {
  std::uint64_t records = 0;
  for (const LagRow& row : rows) records += row.records.value_or(0);
  return records;
}

std::string describe_text(const GroupDescription& group, const std::vector<LagRow>& rows) {
  std::string text = "group " + group.name + "  " + state_of(group) + "  " +
                     std::to_string(group.members.size()) + " members  lag " +
                     with_thousands(total_lag(rows)) + " records  " + group.assignor +
                     "  coordinator " + std::to_string(group.coordinator) + "\n";
  if (!group.members.empty()) text += "\n" + members_table(group);
  if (!rows.empty()) text += "\n" + lag_table(rows);
  return text;
}

// --- JSON

json::value optional_json(const auto& number) {
  if (!number) return nullptr;
  return json::value_from(*number);
}

json::array to_json(const std::vector<NamedPartition>& partitions) {
  json::array out;
  for (const NamedPartition& one : partitions) {
    out.push_back({{"topic", one.topic}, {"partition", one.id.partition.value()}});
  }
  return out;
}

json::object to_json(const GroupMemberDescription& member) {
  return {{"id", member.id.to_string()},
          {"instance", member.instance},
          {"client", member.client},
          {"host", member.host},
          {"rack", member.rack},
          {"away", member.away},
          {"pattern", member.pattern},
          {"topics", json::array(member.topics.begin(), member.topics.end())},
          {"session_timeout_ms", member.session_timeout_ms},
          {"poll_interval_ms", member.poll_interval_ms},
          {"epoch", member.epoch},
          {"owned", to_json(member.owned)},
          {"revoking", to_json(member.revoking)},
          {"share", to_json(member.share)},
          {"silent_ms", member.silent_ms},
          {"since_poll_ms", member.since_poll_ms}};
}

json::object to_json(const LagRow& row) {
  const auto offset = [](const std::optional<Offset>& at) -> json::value {
    if (!at) return nullptr;
    return at->value();
  };
  return {{"topic", row.topic},
          {"partition", row.id.partition.value()},
          {"position", offset(row.position)},
          {"log_start", offset(row.log_start)},
          {"log_end", offset(row.log_end)},
          {"lag_records", optional_json(row.records)},
          {"lag_bytes_about", optional_json(row.bytes)},
          {"lag_seconds", optional_json(row.seconds)},
          {"removed_unread", optional_json(row.removed)},
          {"owner", row.owner},
          {"committed_at_ms", row.committed_at.ms()},
          {"note", row.note}};
}

json::object to_json(const GroupDescription& group, const std::vector<LagRow>& rows) {
  json::array members;
  for (const GroupMemberDescription& member : group.members) members.push_back(to_json(member));
  json::array partitions;
  for (const LagRow& row : rows) partitions.push_back(to_json(row));
  return {{"group", group.name},
          {"state", state_of(group)},
          {"coordinator", group.coordinator},
          {"epoch", group.epoch},
          {"assignor", group.assignor},
          {"created_at_ms", group.created_at.ms()},
          {"lag_records", total_lag(rows)},
          {"members", std::move(members)},
          {"partitions", std::move(partitions)}};
}

// --- commands

Result<ExitCode> list(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  auto groups = client->admin().list_groups();
  if (!groups) return fail(std::move(groups).error().context("list groups"));
  if (arguments.is_on("json")) {
    json::array out;
    for (const client::GroupListing& group : *groups) {
      out.push_back({{"group", group.name},
                     {"members", group.members},
                     {"away", group.away},
                     {"positions", group.positions},
                     {"moving", group.moving}});
    }
    std::cout << json::serialize(out) << "\n";
    return ExitCode::kOk;
  }
  if (groups->empty()) {
    std::cerr << "no groups yet; one begins with its first member or commit\n";
    return ExitCode::kOk;
  }
  OutputTable table(
      {{"GROUP"}, {"MEMBERS", Align::kRight}, {"POSITIONS", Align::kRight}, {"STATE"}});
  for (const client::GroupListing& group : *groups) {
    const std::string state = group.members == 0            ? "empty"
                              : group.members == group.away ? "away"
                              : group.moving                ? "moving"
                                                            : "stable";
    table.add_row(
        {group.name, std::to_string(group.members), std::to_string(group.positions), state});
  }
  std::cout << table.render();
  return ExitCode::kOk;
}

Result<ExitCode> describe(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  json::array out;
  std::string text;
  for (const std::string& name : arguments.operands()) {
    auto group = client->admin().describe_group(name);
    if (!group) return fail(std::move(group).error().context("describe group " + name));
    PENSTOCK_TRY_ASSIGN(const auto rows, lag(*client, *group));
    out.push_back(to_json(*group, rows));
    text += (text.empty() ? "" : "\n") + describe_text(*group, rows);
  }
  std::cout << (arguments.is_on("json") ? json::serialize(out) + "\n" : text);
  return ExitCode::kOk;
}

Result<ExitCode> explain(const Arguments& arguments) {
  const std::string& name = arguments.operands()[0];
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  auto group = client->admin().describe_group(name);
  if (!group) return fail(std::move(group).error().context("explain group " + name));
  PENSTOCK_TRY_ASSIGN(const auto topics, describe_topics(*client, topics_of(*group)));
  group = client->admin().explain_group(name, log_ends_of(topics));
  if (!group) return fail(std::move(group).error().context("explain group " + name));
  json::array reasons;
  std::string text;
  for (const client::GroupReason& reason : group->reasons) {
    text += reason_text(reason, *group) + "\n";
    reasons.push_back(
        {{"cause", reason.cause},
         {"member", reason.member ? reason.member->to_string() : ""},
         {"other", reason.other ? reason.other->to_string() : ""},
         {"topic", reason.topic},
         {"partition", reason.partition ? reason.partition->id.partition.value() : -1},
         {"amount", reason.amount},
         {"text", reason_text(reason, *group)}});
  }
  if (text.empty()) text = "nothing stands in its way\n";
  std::cout << (arguments.is_on("json") ? json::serialize(reasons) + "\n" : text);
  return ExitCode::kOk;
}

}  // namespace

std::vector<Command> group_show_commands() {
  return {
      {.name = "group list",
       .summary = "show all consumer groups",
       .flags = {bootstrap_flag(), json_flag()},
       .run = list},
      {.name = "group describe",
       .operands = "GROUP...",
       .summary = "show members of groups, their positions, and how far they are behind",
       .details =
           "LAG counts records that are not read and committed; BYTES says about how much of\n"
           "the log they take, TIME how old the first of them is.\n",
       .min_operands = 1,
       .max_operands = 100,
       .flags = {bootstrap_flag(), json_flag()},
       .run = describe},
      {.name = "group explain",
       .operands = "GROUP",
       .summary = "say why a group does not move",
       .min_operands = 1,
       .max_operands = 1,
       .flags = {bootstrap_flag(), json_flag()},
       .run = explain},
  };
}

}  // namespace penstock::tools
