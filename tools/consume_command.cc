// penstock consume: records of a topic to standard output.
#include <unistd.h>

#include "base/clock.h"
#include "tools/commands.h"
#include "tools/format_program.h"
#include "tools/group_reading.h"
#include "tools/interrupt.h"
#include "tools/reading.h"
#include "tools/record_json.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

Result<RecordWriter> writer_of(const Arguments& arguments) {
  const bool formatted = arguments.given("output_format");
  if (arguments.is_on("json") && formatted) {
    return fail(Errc::kInvalidArgument, "--json and -f exclude each other");
  }
  if (arguments.is_on("json")) {
    return RecordWriter([](const LocatedRecord& record, std::string& out) {
      append_record_json(record, out);
      out += '\n';
    });
  }
  PENSTOCK_TRY_ASSIGN(FormatProgram program, FormatProgram::parse(arguments.text("output_format")));
  return RecordWriter(
      [program = std::move(program)](const LocatedRecord& record, std::string& out) {
        program.run(record, out);
      });
}

Result<ReadingOptions> options_of(const Arguments& arguments) {
  ReadingOptions options;
  options.topic = arguments.operands()[0];
  PENSTOCK_TRY_ASSIGN(options.start, parse_start(arguments.text("from"), system_clock().wall()));
  if (arguments.given("partition")) {
    PENSTOCK_TRY_ASSIGN(const std::int64_t partition, arguments.integer("partition", 0, INT32_MAX));
    options.partition = PartitionId(static_cast<std::int32_t>(partition));
  }
  if (arguments.given("count")) {
    PENSTOCK_TRY_ASSIGN(options.max_records, arguments.integer("count", 0));
  }
  options.until = arguments.is_on("follow") ? Until::kInterrupted : Until::kEndAtStart;
  PENSTOCK_TRY_ASSIGN(const std::int64_t timeout_s, arguments.integer("timeout_s", 1, 1'000'000));
  options.patience = std::chrono::seconds(timeout_s);
  PENSTOCK_TRY_ASSIGN(options.writer, writer_of(arguments));
  return options;
}

Result<client::StartAt> group_start(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const StartSpec start,
                      parse_start(arguments.text("from"), system_clock().wall()));
  switch (start.kind) {
    case StartSpec::Kind::kBeginning:
      return client::StartAt::beginning();
    case StartSpec::Kind::kEnd:
      return client::StartAt::end();
    case StartSpec::Kind::kTime:
      return client::StartAt::time(Timestamp(start.value));
    default:
      return fail(Errc::kInvalidArgument,
                  "with --group, --from is beginning, end or a time: where there is no position");
  }
}

Result<ExitCode> run_as_member(const Arguments& arguments) {
  if (arguments.given("partition")) {
    return fail(Errc::kInvalidArgument, "a group shares all partitions: --partition excludes it");
  }
  GroupReadingOptions options;
  options.config.group = arguments.text("group");
  options.config.topics = {arguments.operands()[0]};
  options.config.instance = arguments.text("instance");
  PENSTOCK_TRY_ASSIGN(options.config.start, group_start(arguments));
  if (arguments.given("count")) {
    PENSTOCK_TRY_ASSIGN(options.max_records, arguments.integer("count", 1));
  }
  PENSTOCK_TRY_ASSIGN(options.writer, writer_of(arguments));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  OutputStream out(STDOUT_FILENO);
  auto code = read_as_member(*client, std::move(options), out);
  if (!code) {
    return fail(std::move(code).error().context("consume as a member of group '" +
                                                arguments.text("group") + "'"));
  }
  return code;
}

Result<ExitCode> run(const Arguments& arguments) {
  catch_interrupts();
  if (!arguments.text("group").empty()) return run_as_member(arguments);
  PENSTOCK_TRY_ASSIGN(ReadingOptions options, options_of(arguments));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  const std::string topic = options.topic;
  OutputStream out(STDOUT_FILENO);
  auto code = read_topic(*client, std::move(options), out);
  if (!code) return fail(std::move(code).error().context("consume '" + topic + "'"));
  return code;
}

constexpr std::string_view kDetails =
    R"(Stops at the end that the topic had when it began; --follow goes on until Ctrl-C.

With --group, reads its share of the topic as a member of that group, from the group's positions on
(--from is for partitions without one), commits what it has printed, and goes on until Ctrl-C.

Where to begin (--from):
  beginning, end, OFFSET, -N (the last N records of each partition), or @TIME:
  @2024-05-01T12:30:00Z, @1714566600000 (milliseconds since 1970), @-1h (units ms s m h d w)

Format (-f):
  %t topic  %p partition  %o offset  %k key  %s value  %T timestamp in ms  %h headers
  %K size of the key  %S size of the value (-1: null)  %%  \n \t \r \0 \\ \xHH

JSON (--json): {"topic","partition","offset","timestamp","key","value"} a line. A value that is
JSON stands as it is; other text as a string with "value_encoding":"text"; other bytes in base64
with "value_encoding":"base64". A key that is no UTF-8 has "key_encoding":"base64".

Examples:
  penstock consume quakes --count=3 -f '%p/%o  %k  %S bytes\n'
  penstock consume quakes --from @-1h --follow --json
  penstock consume quakes --group=alarms --json
)";

}  // namespace

Command consume_command() {
  return {
      .name = "consume",
      .operands = "TOPIC",
      .summary = "print the records of a topic",
      .details = std::string(kDetails),
      .min_operands = 1,
      .max_operands = 1,
      .flags = {bootstrap_flag(),
                {.name = "from",
                 .value = "WHERE",
                 .default_value = "beginning",
                 .meaning = "where to begin; see below"},
                {.name = "count", .value = "N", .meaning = "stop after N records", .letter = 'n'},
                {.name = "follow",
                 .meaning = "wait for new records until interrupted",
                 .kind = FlagKind::kSwitch},
                {.name = "group",
                 .value = "GROUP",
                 .meaning = "share the topic with the other members of this group"},
                {.name = "instance",
                 .value = "NAME",
                 .meaning = "with --group: a name that stays; the share waits for its return"},
                {.name = "partition",
                 .value = "N",
                 .meaning = "this partition only; without it all of them",
                 .letter = 'p'},
                {.name = "output_format",
                 .value = "FORMAT",
                 .default_value = "%s\\n",
                 .meaning = "how a record is printed; see below",
                 .letter = 'f'},
                json_flag(),
                {.name = "timeout_s",
                 .value = "N",
                 .default_value = "30",
                 .meaning = "give up when the broker is silent for that long (not with "
                            "--follow)"}},
      .run = run};
}

}  // namespace penstock::tools
