// penstock produce: records from a file, a pipe or the terminal into a topic.
#include <algorithm>
#include <charconv>
#include <iostream>

#include "base/nearest.h"
#include "tools/commands.h"
#include "tools/interrupt.h"
#include "tools/publisher.h"
#include "tools/settings.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

Result<client::Durability> durability_from_name(const std::string& name) {
  if (name == "topic") return client::Durability::kTopicDefault;
  if (name == "fsynced") return client::Durability::kFsynced;
  if (name == "written") return client::Durability::kWritten;
  return fail(Errc::kInvalidArgument,
              "--durability takes topic, fsynced or written, not '" + name + "'");
}

Result<char> delimiter_from_text(const std::string& text) {
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() == 1 && text != "\"" && text != "\n" && text != "\r") return text[0];
  return fail(Errc::kInvalidArgument, "--delimiter takes one character or tab");
}

Result<InputOptions> input_options(const Arguments& arguments) {
  InputOptions options;
  PENSTOCK_TRY_ASSIGN(options.format, input_format_from_name(arguments.text("format")));
  options.key_field = arguments.text("key_field");
  PENSTOCK_TRY_ASSIGN(const std::int64_t from_line, arguments.integer("from_line", 1));
  options.from_line = static_cast<std::uint64_t>(from_line);
  PENSTOCK_TRY_ASSIGN(options.delimiter, delimiter_from_text(arguments.text("delimiter")));
  const std::string types = arguments.text("csv_types");
  if (types != "auto" && types != "text") {
    return fail(Errc::kInvalidArgument, "--csv_types takes auto or text, not '" + types + "'");
  }
  options.csv_types = types == "auto" ? CsvTypes::kAuto : CsvTypes::kText;
  if (options.format == InputFormat::kLines && !options.key_field.empty()) {
    return fail(Errc::kInvalidArgument,
                "--key_field needs --format=ndjson or csv: plain lines have no fields");
  }
  return options;
}

Result<PublisherOptions> publisher_options(const Arguments& arguments) {
  PublisherOptions options;
  options.topic = arguments.operands()[0];
  PENSTOCK_TRY_ASSIGN(options.input, input_options(arguments));
  if (arguments.given("key")) options.key = arguments.text("key");
  if (options.key && !options.input.key_field.empty()) {
    return fail(Errc::kInvalidArgument, "--key and --key_field exclude each other");
  }
  PENSTOCK_TRY_ASSIGN(options.headers, parse_headers(arguments.all("header")));
  if (arguments.given("partition")) {
    PENSTOCK_TRY_ASSIGN(const std::int64_t partition, arguments.integer("partition", 0, INT32_MAX));
    options.partition = PartitionId(static_cast<std::int32_t>(partition));
  }
  PENSTOCK_TRY_ASSIGN(options.rate, arguments.number("rate", 0, 1e9));
  if (arguments.is_on("skip_bad")) options.on_bad_line = OnBadLine::kPassOver;
  return options;
}

Error no_such_topic(client::Client& client, const std::string& topic) {
  std::string message = "no topic '" + topic + "'";
  if (const auto all = client.admin().describe_topics()) {
    std::vector<std::string> names;
    for (const client::TopicDescription& known : *all) names.push_back(known.name);
    if (const auto close = nearest(topic, names)) message += "; did you mean '" + *close + "'?";
  }
  return {Errc::kUnknownTopic, message};
}

enum class IfMissing { kFail, kCreate };

// The topic must be there before the input is read: a misspelt name must not consume a pipe.
Result<client::TopicDescription> find_topic(client::Client& client, const std::string& topic,
                                            IfMissing if_missing) {
  auto described = client.admin().describe_topics({topic});
  if (!described && described.error().code() == Errc::kUnknownTopic) {
    if (if_missing == IfMissing::kFail) return fail(no_such_topic(client, topic));
    PENSTOCK_TRY(client.admin().create_topic({.name = topic, .settings = {}}));
    described = client.admin().describe_topics({topic});
  }
  if (!described) return fail(std::move(described).error());
  return std::move(described->at(0));
}

// What the topic takes without compression: a record that is over it is a bad line of the input,
// to be named before anything behind it is sent. Of compressed records only the broker can tell.
std::uint64_t record_limit(const client::TopicDescription& topic, record::Codec codec) {
  std::uint64_t limit = UINT64_MAX;
  if (codec != record::Codec::kNone) return limit;
  for (const client::SettingDescription& setting : topic.settings) {
    if (setting.name != "max_record_bytes" && setting.name != "max_batch_bytes") continue;
    std::uint64_t value = 0;
    const char* end = setting.value.data() + setting.value.size();
    if (std::from_chars(setting.value.data(), end, value).ec == std::errc()) {
      limit = std::min(limit, value);
    }
  }
  return limit;
}

Result<ExitCode> run(const Arguments& arguments) {
  catch_interrupts();
  PENSTOCK_TRY_ASSIGN(PublisherOptions options, publisher_options(arguments));
  client::ProducerConfig config;
  PENSTOCK_TRY_ASSIGN(config.durability, durability_from_name(arguments.text("durability")));
  PENSTOCK_TRY_ASSIGN(config.codec, record::codec_from_name(arguments.text("codec")));
  PENSTOCK_TRY_ASSIGN(const std::int64_t delivery_timeout_s,
                      arguments.integer("delivery_timeout_s", 1, kMaxDeliveryTimeoutS));
  config.delivery_timeout = std::chrono::seconds(delivery_timeout_s);
  options.delivery_timeout = config.delivery_timeout;
  config.max_block = config.delivery_timeout;  // a full buffer is one more reason to wait for it
  config.max_record_bytes = kMaxInputRecordBytes + (1U << 20);  // key and headers come on top
  const std::string file = arguments.operands().size() > 1 ? arguments.operands()[1] : "-";
  PENSTOCK_TRY_ASSIGN(FdSource source, FdSource::open(file));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  const IfMissing if_missing = arguments.is_on("create") ? IfMissing::kCreate : IfMissing::kFail;
  PENSTOCK_TRY_ASSIGN(const client::TopicDescription topic,
                      find_topic(*client, options.topic, if_missing));
  options.max_record_bytes = record_limit(topic, config.codec);
  PENSTOCK_TRY_ASSIGN(const auto producer, client::Producer::open(*client, config));

  const ProduceTally tally = Publisher(*producer, source, std::move(options)).run();
  std::cerr << summary(tally);
  std::cout << figures(tally);
  return exit_code(tally);
}

constexpr std::string_view kDetails =
    R"(Without FILE, or with -, standard input is read: any amount, in bounded memory.

Formats:
  lines    every line is one value, as it is
  ndjson   every line must be JSON; it is published as it is; empty lines are passed over
  csv      the first row names the columns, every further row becomes one JSON object. Unquoted
           fields that are plain numbers become numbers, empty ones null (--csv_types=text keeps
           all of them text).
A bad line stops the command after everything before it was published; --skip_bad passes over it.

Examples:
  penstock produce quakes quakes.ndjson --format=ndjson --key_field=id
  penstock produce strikes birdstrikes.csv --format=csv --codec=zstd
  tail -f access.log | penstock produce access
)";

}  // namespace

Command produce_command() {
  return {
      .name = "produce",
      .operands = "TOPIC [FILE|-]",
      .summary = "publish lines, NDJSON or CSV to a topic",
      .details = std::string(kDetails),
      .min_operands = 1,
      .max_operands = 2,
      .flags = {bootstrap_flag(),
                {.name = "format",
                 .value = "FORMAT",
                 .default_value = "lines",
                 .meaning = "of the input: lines, ndjson or csv"},
                {.name = "key_field",
                 .value = "NAME",
                 .meaning = "field whose value becomes the record's key (ndjson, csv)"},
                {.name = "key", .value = "TEXT", .meaning = "key of every record", .letter = 'k'},
                {.name = "header",
                 .value = "NAME=VALUE",
                 .meaning = "header of every record; may be repeated",
                 .kind = FlagKind::kList},
                {.name = "partition",
                 .value = "N",
                 .meaning = "partition of every record; otherwise the key decides",
                 .letter = 'p'},
                {.name = "codec",
                 .value = "CODEC",
                 .default_value = "none",
                 .meaning = "compression: none, gzip, snappy, lz4 or zstd"},
                {.name = "durability",
                 .value = "LEVEL",
                 .default_value = "topic",
                 .meaning = "acknowledged when fsynced, or written (to memory only); topic: as the "
                            "topic says"},
                {.name = "delivery_timeout_s",
                 .value = "N",
                 .default_value = "120",
                 .meaning = "seconds that a record is tried to be delivered, say while the disk is "
                            "full or the broker is away; then the command stops"},
                {.name = "rate",
                 .value = "N",
                 .default_value = "0",
                 .meaning = "records a second; 0: as fast as they are acknowledged"},
                {.name = "skip_bad",
                 .meaning = "pass over and count bad lines instead of stopping",
                 .kind = FlagKind::kSwitch},
                {.name = "from_line",
                 .value = "N",
                 .default_value = "1",
                 .meaning = "first line to publish: go on where an earlier run stopped"},
                {.name = "create",
                 .meaning = "create the topic with default settings if it is not there",
                 .kind = FlagKind::kSwitch},
                {.name = "csv_types",
                 .value = "TYPES",
                 .default_value = "auto",
                 .meaning = "auto: plain numbers become numbers; text: everything is text"},
                {.name = "delimiter",
                 .value = "CHAR",
                 .default_value = ",",
                 .meaning = "between CSV fields: one character, or tab"}},
      .run = run};
}

}  // namespace penstock::tools
