// penstock group reset, delete.
#include <boost/json.hpp>
#include <iostream>

#include "base/clock.h"
#include "tools/cluster_operands.h"
#include "tools/commands.h"
#include "tools/group_lag.h"
#include "tools/output_table.h"
#include "tools/settings.h"
#include "tools/shared_flags.h"
#include "tools/time_spec.h"

namespace penstock::tools {
namespace {

namespace json = boost::json;
using client::GroupDescription;
using client::GroupReset;
using client::GroupResetDone;
using client::PartitionDescription;
using client::TopicDescription;

// What positions are set to: one of the flags.
struct Aim {
  enum class Kind { kBeginning, kEnd, kOffset, kTime, kGroup } kind = Kind::kBeginning;
  Offset offset{};
  Timestamp time{};
  std::string group = {};
};

Result<Aim> aim_of(const Arguments& arguments) {
  std::vector<Aim> aims;
  if (arguments.is_on("to_beginning")) aims.push_back({.kind = Aim::Kind::kBeginning});
  if (arguments.is_on("to_end")) aims.push_back({.kind = Aim::Kind::kEnd});
  if (arguments.given("to_offset")) {
    PENSTOCK_TRY_ASSIGN(const std::int64_t offset, arguments.integer("to_offset", 0));
    aims.push_back({.kind = Aim::Kind::kOffset, .offset = Offset(offset)});
  }
  if (arguments.given("to_time")) {
    PENSTOCK_TRY_ASSIGN(const Timestamp time,
                        parse_time(arguments.text("to_time"), system_clock().wall()));
    aims.push_back({.kind = Aim::Kind::kTime, .time = time});
  }
  if (arguments.given("to_group")) {
    aims.push_back({.kind = Aim::Kind::kGroup, .group = arguments.text("to_group")});
  }
  if (aims.size() == 1) return aims.front();
  return fail(Errc::kInvalidArgument,
              "say where to, once: --to_beginning, --to_end, --to_offset=N, --to_time=TIME or "
              "--to_group=GROUP");
}

// "orders" or "orders/3".
struct Wanted {
  std::string topic;
  std::optional<PartitionId> partition;
};

Result<Wanted> parse_wanted(const std::string& text) {
  if (text.find('/') == std::string::npos) return Wanted{text, std::nullopt};
  PENSTOCK_TRY_ASSIGN(auto partition, parse_partition(text));
  return Wanted{std::move(partition.first), partition.second};
}

// Those that --topic names; else all that the group has positions of, or its members read.
Result<std::vector<Wanted>> wanted_of(const Arguments& arguments, const GroupDescription& group) {
  std::vector<Wanted> wanted;
  for (const std::string& text : parse_names(arguments.all("topic"))) {
    PENSTOCK_TRY_ASSIGN(wanted.emplace_back(), parse_wanted(text));
  }
  if (!wanted.empty()) return wanted;
  for (const std::string& topic : topics_of(group)) wanted.push_back({topic, std::nullopt});
  if (!wanted.empty()) return wanted;
  return fail(Errc::kInvalidArgument,
              "the group has no positions yet: say of which topics with --topic=NAME");
}

// What becomes of one topic's partitions.
class Planner {
 public:
  Planner(client::Client& client, const Aim& aim) : client_(client), aim_(aim) {}

  Status begin() {
    if (aim_.kind != Aim::Kind::kGroup) return {};
    auto other = client_.admin().describe_group(aim_.group);
    if (!other) return fail(std::move(other).error().context("group " + aim_.group));
    for (const auto& position : other->positions) others_[position.partition.id] = position.offset;
    return {};
  }

  Status plan(const Wanted& wanted) {
    PENSTOCK_TRY_ASSIGN(const auto topics, client_.admin().describe_topics({wanted.topic}));
    const TopicDescription& topic = topics.front();
    std::map<PartitionId, Offset> at_time;
    if (aim_.kind == Aim::Kind::kTime) {
      PENSTOCK_TRY_ASSIGN(const auto answers, client_.admin().list_offsets(
                                                  wanted.topic, client::StartAt::time(aim_.time)));
      for (const client::OffsetAnswer& one : answers) at_time[one.partition] = one.offset;
    }
    bool found = false;
    for (const PartitionDescription& partition : topic.partitions) {
      if (wanted.partition && *wanted.partition != partition.partition) continue;
      found = true;
      if (partition.error) {
        return fail(Error(*partition.error)
                        .context(wanted.topic + "/" + std::to_string(partition.partition.value())));
      }
      const auto to = target(topic, partition, at_time);
      if (!to) continue;
      names_[{topic.id, partition.partition}] = topic.name;
      changes_.push_back({{topic.id, partition.partition}, to});
    }
    if (found) return {};
    return fail(Errc::kUnknownPartition, "topic " + wanted.topic + " has no partition " +
                                             std::to_string(wanted.partition->value()));
  }

  const std::vector<GroupReset>& changes() const { return changes_; }
  const std::string& name_of(const TopicPartition& id) const { return names_.at(id); }

 private:
  // Within what is there to be read. None: the other group has no position.
  std::optional<Offset> target(const TopicDescription& topic, const PartitionDescription& partition,
                               const std::map<PartitionId, Offset>& at_time) const {
    const auto within = [&](Offset offset) {
      return std::clamp(offset, partition.log_start, partition.high_watermark);
    };
    switch (aim_.kind) {
      case Aim::Kind::kBeginning:
        return partition.log_start;
      case Aim::Kind::kEnd:
        return partition.high_watermark;
      case Aim::Kind::kOffset:
        return within(aim_.offset);
      case Aim::Kind::kTime: {
        const auto found = at_time.find(partition.partition);
        return found == at_time.end() ? partition.high_watermark : within(found->second);
      }
      case Aim::Kind::kGroup: {
        const auto found = others_.find({topic.id, partition.partition});
        if (found == others_.end()) return std::nullopt;
        return within(found->second);
      }
    }
    return std::nullopt;
  }

  client::Client& client_;
  const Aim aim_;
  std::map<TopicPartition, Offset> others_;
  std::map<TopicPartition, std::string> names_;
  std::vector<GroupReset> changes_;
};

std::string offset_text(const std::optional<Offset>& offset) {
  return offset ? std::to_string(offset->value()) : "-";
}

std::string moved_text(const GroupResetDone& one) {
  if (!one.before || !one.after) return "";
  const std::int64_t by = *one.after - *one.before;
  return by == 0 ? "stays" : (by > 0 ? "+" : "") + std::to_string(by);
}

void tell(const Arguments& arguments, const std::string& group, const Planner& planner,
          const std::vector<GroupResetDone>& done) {
  const bool dry = arguments.is_on("dry_run");
  if (arguments.is_on("json")) {
    const auto offset = [](const std::optional<Offset>& at) -> json::value {
      if (!at) return nullptr;
      return at->value();
    };
    json::array rows;
    for (const GroupResetDone& one : done) {
      rows.push_back({{"topic", planner.name_of(one.partition)},
                      {"partition", one.partition.partition.value()},
                      {"before", offset(one.before)},
                      {"after", offset(one.after)}});
    }
    std::cout << json::serialize(
                     json::object{{"group", group}, {"done", !dry}, {"positions", std::move(rows)}})
              << "\n";
    return;
  }
  OutputTable table({{"TOPIC"},
                     {"PARTITION", Align::kRight},
                     {"BEFORE", Align::kRight},
                     {"AFTER", Align::kRight},
                     {"MOVES", Align::kRight}});
  for (const GroupResetDone& one : done) {
    table.add_row({planner.name_of(one.partition), std::to_string(one.partition.partition.value()),
                   offset_text(one.before), offset_text(one.after), moved_text(one)});
  }
  std::cout << table.render();
  if (dry) std::cerr << "a dry run: nothing was changed\n";
}

Result<ExitCode> reset(const Arguments& arguments) {
  const std::string& name = arguments.operands()[0];
  PENSTOCK_TRY_ASSIGN(const Aim aim, aim_of(arguments));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  auto group = client->admin().describe_group(name);
  if (!group) return fail(std::move(group).error().context("reset group " + name));
  PENSTOCK_TRY_ASSIGN(const auto wanted, wanted_of(arguments, *group));
  Planner planner(*client, aim);
  PENSTOCK_TRY(planner.begin());
  for (const Wanted& one : wanted) PENSTOCK_TRY(planner.plan(one));
  if (planner.changes().empty()) {
    return fail(Errc::kInvalidArgument,
                "nothing to reset: group " + aim.group + " has no positions of these topics");
  }
  const auto rehearsal =
      arguments.is_on("dry_run") ? client::Rehearsal::kDryRun : client::Rehearsal::kCarryOut;
  auto done = client->admin().reset_group(name, planner.changes(), rehearsal);
  if (!done) return fail(std::move(done).error().context("reset group " + name));
  tell(arguments, name, planner, *done);
  return ExitCode::kOk;
}

Result<ExitCode> remove(const Arguments& arguments) {
  const std::string& name = arguments.operands()[0];
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  if (const Status done = client->admin().delete_group(name); !done) {
    return fail(Error(done.error()).context("delete group " + name));
  }
  if (arguments.is_on("json")) {
    std::cout << json::serialize(json::object{{"group", name}, {"deleted", true}}) << "\n";
  } else {
    std::cout << "deleted group '" << name << "' with its positions\n";
  }
  return ExitCode::kOk;
}

FlagSpec place_flag(const std::string& name, const std::string& meaning) {
  return {.name = name, .meaning = meaning, .kind = FlagKind::kSwitch};
}

}  // namespace

std::vector<Command> group_change_commands() {
  return {
      {.name = "group reset",
       .operands = "GROUP",
       .summary = "set the positions of a group that nobody reads for at the moment",
       .details =
           "Say where to, with one of the --to flags. An offset or time beyond what is there\n"
           "gives the nearest record that is. Members must have left first.\n\n"
           "  penstock group reset billing --to_time=-2h --dry_run\n"
           "  penstock group reset billing --topic=orders/3 --to_offset=1200\n"
           "  penstock group reset audit --to_group=billing\n",
       .min_operands = 1,
       .max_operands = 1,
       .flags = {bootstrap_flag(),
                 {.name = "topic",
                  .value = "TOPIC[/N]",
                  .meaning =
                      "only this topic, or partition; may be repeated, or a list with commas",
                  .kind = FlagKind::kList},
                 place_flag("to_beginning", "to the first record that is there"),
                 place_flag("to_end", "behind the last record"),
                 {.name = "to_offset", .value = "N", .meaning = "to this offset"},
                 {.name = "to_time",
                  .value = "TIME",
                  .meaning = "to the first record of that time or later; 2024-05-01T12:30, or -2h "
                             "for two hours ago"},
                 {.name = "to_group", .value = "GROUP", .meaning = "to where another group is"},
                 place_flag("dry_run", "show what would be done, and do nothing"),
                 json_flag()},
       .run = reset},
      {.name = "group delete",
       .operands = "GROUP",
       .summary = "delete a group without members, with its positions",
       .min_operands = 1,
       .max_operands = 1,
       .flags = {bootstrap_flag(), json_flag()},
       .run = remove},
  };
}

}  // namespace penstock::tools
