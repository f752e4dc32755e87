// penstock topic list, describe.
#include <boost/json.hpp>
#include <iostream>

#include "tools/commands.h"
#include "tools/output_table.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

namespace json = boost::json;
using client::PartitionDescription;
using client::TopicDescription;

struct TopicTotals {
  std::int64_t records = 0;
  std::uint64_t bytes = 0;
  std::size_t damaged = 0;  // partitions that report an error
};

TopicTotals totals(const TopicDescription& topic) {
  TopicTotals sum;
  for (const PartitionDescription& partition : topic.partitions) {
    sum.records += partition.high_watermark - partition.log_start;
    sum.bytes += partition.size_bytes;
    if (partition.error) ++sum.damaged;
  }
  return sum;
}

json::object to_json(const PartitionDescription& partition) {
  json::object out{{"partition", partition.partition.value()},
                   {"leader", partition.leader},
                   {"leader_epoch", partition.leader_epoch.value()},
                   {"log_start", partition.log_start.value()},
                   {"high_watermark", partition.high_watermark.value()},
                   {"size_bytes", partition.size_bytes},
                   {"replicas", json::array(partition.replicas.begin(), partition.replicas.end())}};
  if (partition.error) out["error"] = partition.error->to_string();
  return out;
}

json::object to_json(const TopicDescription& topic) {
  json::array partitions;
  for (const PartitionDescription& partition : topic.partitions) {
    partitions.push_back(to_json(partition));
  }
  json::object settings;
  for (const client::SettingDescription& setting : topic.settings) {
    settings[setting.name] =
        json::object{{"value", setting.value}, {"is_default", setting.is_default}};
  }
  return {{"name", topic.name},
          {"id", topic.id.to_string()},
          {"internal", topic.internal},
          {"partitions", std::move(partitions)},
          {"settings", std::move(settings)}};
}

void print_json(const std::vector<TopicDescription>& topics) {
  json::array out;
  for (const TopicDescription& topic : topics) out.push_back(to_json(topic));
  std::cout << json::serialize(out) << "\n";
}

std::string list_table(const std::vector<TopicDescription>& topics) {
  OutputTable table({{"TOPIC"},
                     {"PARTITIONS", Align::kRight},
                     {"RECORDS", Align::kRight},
                     {"SIZE", Align::kRight},
                     {"STATE"}});
  for (const TopicDescription& topic : topics) {
    const TopicTotals sum = totals(topic);
    table.add_row({topic.name, std::to_string(topic.partitions.size()),
                   with_thousands(static_cast<std::uint64_t>(sum.records)), human_bytes(sum.bytes),
                   sum.damaged == 0 ? "ok" : std::to_string(sum.damaged) + " damaged"});
  }
  return table.render();
}

std::string replicas_text(const PartitionDescription& partition) {
  std::string text;
  for (const std::int32_t broker : partition.replicas) {
    text += (text.empty() ? "" : ",") + std::to_string(broker);
  }
  return text;
}

std::string describe_text(const TopicDescription& topic) {
  const TopicTotals sum = totals(topic);
  std::string text = "topic " + topic.name + "  id " + topic.id.to_string() + "  " +
                     with_thousands(static_cast<std::uint64_t>(sum.records)) + " records  " +
                     human_bytes(sum.bytes) + "\n\n";
  OutputTable partitions({{"PARTITION", Align::kRight},
                          {"LEADER", Align::kRight},
                          {"REPLICAS"},
                          {"EPOCH", Align::kRight},
                          {"LOG START", Align::kRight},
                          {"HIGH WATERMARK", Align::kRight},
                          {"SIZE", Align::kRight},
                          {"STATE"}});
  for (const PartitionDescription& partition : topic.partitions) {
    partitions.add_row({std::to_string(partition.partition.value()),
                        partition.leader < 0 ? "none" : std::to_string(partition.leader),
                        replicas_text(partition), std::to_string(partition.leader_epoch.value()),
                        std::to_string(partition.log_start.value()),
                        std::to_string(partition.high_watermark.value()),
                        human_bytes(partition.size_bytes),
                        partition.error ? partition.error->to_string() : "ok"});
  }
  OutputTable settings({{"SETTING"}, {"VALUE"}, {""}});
  for (const client::SettingDescription& setting : topic.settings) {
    settings.add_row(
        {setting.name, setting.value, setting.is_default ? "" : "* set for this topic"});
  }
  return text + partitions.render() + "\n" + settings.render();
}

Result<ExitCode> list(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  auto topics = client->admin().describe_topics();
  if (!topics) return fail(std::move(topics).error().context("list topics"));
  if (!arguments.is_on("all")) {
    std::erase_if(*topics, [](const TopicDescription& topic) { return topic.internal; });
  }
  if (arguments.is_on("json")) {
    print_json(*topics);
  } else if (topics->empty()) {
    std::cerr << "no topics yet; make one with: penstock topic create NAME\n";
  } else {
    std::cout << list_table(*topics);
  }
  return ExitCode::kOk;
}

Result<ExitCode> describe(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  auto topics = client->admin().describe_topics(arguments.operands());
  if (!topics) return fail(std::move(topics).error().context("describe topics"));
  if (arguments.is_on("json")) {
    print_json(*topics);
    return ExitCode::kOk;
  }
  for (std::size_t i = 0; i < topics->size(); ++i) {
    std::cout << (i == 0 ? "" : "\n") << describe_text((*topics)[i]);
  }
  return ExitCode::kOk;
}

}  // namespace

Command topic_list_command() {
  return {.name = "topic list",
          .summary = "show all topics",
          .flags = {bootstrap_flag(),
                    {.name = "all",
                     .meaning = "Penstock's own topics too",
                     .kind = FlagKind::kSwitch,
                     .letter = 'a'},
                    json_flag()},
          .run = list};
}

Command topic_describe_command() {
  return {.name = "topic describe",
          .operands = "NAME...",
          .summary = "show partitions, offsets and settings of topics",
          .min_operands = 1,
          .max_operands = 1000,
          .flags = {bootstrap_flag(), json_flag()},
          .run = describe};
}

}  // namespace penstock::tools
