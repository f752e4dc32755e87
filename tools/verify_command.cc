// penstock verify: proves the archive equal to the log.
#include <algorithm>
#include <iostream>

#include "archiver/verify.h"
#include "tools/commands.h"
#include "tools/report.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

Result<std::vector<std::string>> topics_of(const Arguments& arguments, client::Client& client) {
  if (!arguments.is_on("all")) return arguments.operands();
  PENSTOCK_TRY_ASSIGN(const auto topics, client.admin().describe_topics());
  std::vector<std::string> names;
  for (const client::TopicDescription& topic : topics) {
    if (!topic.internal) names.push_back(topic.name);
  }
  return names;
}

Result<archiver::VerifyOptions> options_of(const Arguments& arguments) {
  archiver::VerifyOptions options;
  if (arguments.is_on("wait")) {
    PENSTOCK_TRY_ASSIGN(const std::int64_t wait_s,
                        arguments.integer("wait_timeout_s", 1, 1'000'000));
    options.wait_for_archive = std::chrono::seconds(wait_s);
  }
  PENSTOCK_TRY_ASSIGN(const std::int64_t findings, arguments.integer("max_findings", 0, 1'000'000));
  options.max_findings = static_cast<std::size_t>(findings);
  return options;
}

using Render = std::string(const archiver::VerifyReport&);

// One topic that cannot be verified does not keep the others from it.
ExitCode verify(client::Client& client, archiver::ObjectStore& store, const std::string& topic,
                const archiver::VerifyOptions& options, Render& render) {
  const auto report = archiver::verify_topic(client, store, topic, options);
  if (!report) {
    std::cerr << failure_text(Error(report.error()).context("verify '" + topic + "'"));
    return exit_code(report.error().code());
  }
  std::cout << render(*report) << std::flush;
  return report->differences() == 0 ? ExitCode::kOk : ExitCode::kFailed;
}

Result<ExitCode> run(const Arguments& arguments) {
  if (arguments.is_on("all") != arguments.operands().empty()) {
    return fail(Errc::kInvalidArgument, "name the topics, or give --all");
  }
  PENSTOCK_TRY_ASSIGN(const archiver::VerifyOptions options, options_of(arguments));
  PENSTOCK_TRY_ASSIGN(const auto store, open_archive(arguments));
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  PENSTOCK_TRY_ASSIGN(const auto topics, topics_of(arguments, *client));
  Render& render = arguments.is_on("json") ? archiver::render_json : archiver::render;
  ExitCode worst = ExitCode::kOk;
  for (const std::string& topic : topics) {
    worst = std::max(worst, verify(*client, *store, topic, options, render));
  }
  return worst;
}

constexpr std::string_view kDetails =
    R"(Reads every chunk of the archive and the same offsets of the log, and compares counts and
128-bit sums of record hashes; where they differ, it says at which offsets. Exit code 1 on any
difference. What is not archived yet is no difference; --wait waits for it.

With --json every topic is one line: "differences" is 0 when archive and log agree, "findings" are
the records at fault, "ranges" the chunks that were compared, "partitions" the offsets of both sides.
A topic that cannot be verified prints no line, and its error to standard error.

Example:
  penstock verify quakes flights --wait
  penstock verify --all --json | jq '{topic, differences}'
)";

}  // namespace

Command verify_command() {
  return {.name = "verify",
          .operands = "TOPIC...",
          .summary = "prove the archive equal to the log",
          .details = std::string(kDetails),
          .max_operands = 1000,
          .flags = {bootstrap_flag(),
                    data_dir_flag(),
                    archive_dir_flag(),
                    {.name = "all", .meaning = "all topics", .kind = FlagKind::kSwitch},
                    {.name = "wait",
                     .meaning = "wait until the archive has reached the present end of the log",
                     .kind = FlagKind::kSwitch},
                    {.name = "wait_timeout_s",
                     .value = "N",
                     .default_value = "120",
                     .meaning = "how long --wait waits"},
                    {.name = "json",
                     .meaning = "print one JSON object a topic",
                     .kind = FlagKind::kSwitch},
                    {.name = "max_findings",
                     .value = "N",
                     .default_value = "100",
                     .meaning = "differing records listed for a topic; all are counted"}},
          .run = run};
}

}  // namespace penstock::tools
