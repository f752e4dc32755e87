// penstock topic create, alter, delete.
#include <boost/json.hpp>
#include <iostream>

#include "tools/commands.h"
#include "tools/output_table.h"
#include "tools/settings.h"
#include "tools/shared_flags.h"
#include "tools/terminal.h"

namespace penstock::tools {
namespace {

FlagSpec set_flag() {
  return {.name = "set",
          .value = "NAME=VALUE",
          .meaning = "a topic setting; may be repeated, or a list with commas",
          .kind = FlagKind::kList};
}

// What was done, for people or as one JSON object.
void tell(const Arguments& arguments, const std::string& text, const boost::json::object& object) {
  std::cout << (arguments.is_on("json") ? boost::json::serialize(object) : text) << "\n";
}

Result<std::uint32_t> count(const Arguments& arguments, std::string_view flag, std::int64_t low) {
  PENSTOCK_TRY_ASSIGN(const std::int64_t value, arguments.integer(flag, low, UINT32_MAX));
  return static_cast<std::uint32_t>(value);
}

Result<ExitCode> create(const Arguments& arguments) {
  client::NewTopic topic;
  topic.name = arguments.operands()[0];
  PENSTOCK_TRY_ASSIGN(topic.partitions, count(arguments, "partitions", 1));
  PENSTOCK_TRY_ASSIGN(topic.replication_factor, count(arguments, "replication_factor", 0));
  PENSTOCK_TRY_ASSIGN(topic.settings, parse_settings(arguments.all("set")));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  const auto id = client->admin().create_topic(topic);
  if (!id) {
    const bool tolerated =
        arguments.is_on("if_not_exists") && id.error().code() == Errc::kTopicExists;
    if (!tolerated) return fail(id.error());
    tell(arguments, "topic '" + topic.name + "' exists already",
         {{"topic", topic.name}, {"created", false}});
    return ExitCode::kOk;
  }
  tell(arguments,
       "created topic '" + topic.name + "' with " + std::to_string(topic.partitions) +
           (topic.partitions == 1 ? " partition" : " partitions"),
       {{"topic", topic.name},
        {"created", true},
        {"id", id->to_string()},
        {"partitions", topic.partitions}});
  return ExitCode::kOk;
}

boost::json::object to_json(const client::TopicChange& change) {
  boost::json::object set;
  for (const auto& [name, value] : change.set) set[name] = value;
  boost::json::object object{
      {"topic", change.name},
      {"altered", true},
      {"set", std::move(set)},
      {"reset", boost::json::array(change.reset.begin(), change.reset.end())}};
  if (change.partitions != 0) object["partitions"] = change.partitions;
  return object;
}

Result<ExitCode> alter(const Arguments& arguments) {
  client::TopicChange change;
  change.name = arguments.operands()[0];
  PENSTOCK_TRY_ASSIGN(change.set, parse_settings(arguments.all("set")));
  change.reset = parse_names(arguments.all("reset"));
  if (arguments.given("partitions")) {
    PENSTOCK_TRY_ASSIGN(change.partitions, count(arguments, "partitions", 1));
  }
  if (change.set.empty() && change.reset.empty() && change.partitions == 0) {
    return fail(Errc::kInvalidArgument, "nothing to change: give --set, --reset or --partitions");
  }
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  PENSTOCK_TRY(client->admin().alter_topic(change));
  tell(arguments, "altered topic '" + change.name + "'", to_json(change));
  return ExitCode::kOk;
}

std::string question(const client::TopicDescription& topic) {
  std::int64_t records = 0;
  for (const client::PartitionDescription& partition : topic.partitions) {
    records += partition.high_watermark - partition.log_start;
  }
  return "delete topic '" + topic.name + "' with " +
         with_thousands(static_cast<std::uint64_t>(records)) + " records for ever?";
}

Result<ExitCode> remove(const Arguments& arguments) {
  const std::string& name = arguments.operands()[0];
  if (!arguments.is_on("yes") && !can_ask()) {
    return fail(Errc::kInvalidArgument,
                "deleting a topic needs --yes where nobody can be asked (no terminal)");
  }
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  if (!arguments.is_on("yes")) {
    PENSTOCK_TRY_ASSIGN(const auto topics, client->admin().describe_topics({name}));
    if (!ask(question(topics.at(0)))) {
      std::cerr << "nothing deleted\n";
      return ExitCode::kFailed;
    }
  }
  PENSTOCK_TRY(client->admin().delete_topic(name));
  tell(arguments, "deleted topic '" + name + "'", {{"topic", name}, {"deleted", true}});
  return ExitCode::kOk;
}

}  // namespace

Command topic_create_command() {
  return {
      .name = "topic create",
      .operands = "NAME",
      .summary = "create a topic",
      .details =
          "Settings: penstock topic describe NAME shows all of them.\n\n"
          "Example:\n  penstock topic create quakes --partitions=2 "
          "--set retention_ms=86400000\n"
          "  penstock topic create prices --set cleanup=compact   (the latest of each key "
          "stays)\n\n"
          "With --json: {\"topic\",\"created\",\"id\",\"partitions\"}; \"created\" is false when "
          "--if_not_exists\nfound it there already.\n",
      .min_operands = 1,
      .max_operands = 1,
      .flags = {bootstrap_flag(),
                {.name = "partitions",
                 .value = "N",
                 .default_value = "1",
                 .meaning = "number of partitions; may grow later, never shrink"},
                {.name = "replication_factor",
                 .value = "N",
                 .default_value = "0",
                 .meaning = "copies of each partition; 0: the cluster's default"},
                set_flag(),
                {.name = "if_not_exists",
                 .meaning = "no error when the topic is there already",
                 .kind = FlagKind::kSwitch},
                json_flag()},
      .run = create};
}

Command topic_alter_command() {
  return {
      .name = "topic alter",
      .operands = "NAME",
      .summary = "change settings, or add partitions",
      .details =
          "Example:\n  penstock topic alter quakes --set retention_ms=3600000 "
          "--reset segment_bytes\n\n"
          "With --json: {\"topic\",\"altered\",\"set\",\"reset\"}, and \"partitions\" if they were "
          "given.\n",
      .min_operands = 1,
      .max_operands = 1,
      .flags = {bootstrap_flag(),
                set_flag(),
                {.name = "reset",
                 .value = "NAME",
                 .meaning = "setting that goes back to its default; may be repeated",
                 .kind = FlagKind::kList},
                {.name = "partitions",
                 .value = "N",
                 .meaning = "new number of partitions; keys are dealt out anew from then on"},
                json_flag()},
      .run = alter};
}

Command topic_delete_command() {
  return {
      .name = "topic delete",
      .operands = "NAME",
      .summary = "delete a topic and its records",
      .details =
          "Asks before it deletes. What was archived stays in the archive.\n\n"
          "With --json: {\"topic\",\"deleted\"}.\n",
      .min_operands = 1,
      .max_operands = 1,
      .flags = {bootstrap_flag(),
                {.name = "yes", .meaning = "do not ask", .kind = FlagKind::kSwitch, .letter = 'y'},
                json_flag()},
      .run = remove};
}

}  // namespace penstock::tools
