// penstock cluster status, health.
#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>

#include "base/clock.h"
#include "tools/cluster_health.h"
#include "tools/cluster_table.h"
#include "tools/commands.h"
#include "tools/interrupt.h"
#include "tools/limits.h"
#include "tools/shared_flags.h"
#include "tools/terminal.h"

namespace penstock::tools {
namespace {

namespace json = boost::json;

Status show_once(client::Client& client, const Arguments& arguments, bool clear) {
  PENSTOCK_TRY_ASSIGN(const auto status, client.admin().cluster_status());
  const Partitions which = arguments.is_on("all") ? Partitions::kAll : Partitions::kUnusual;
  const std::string text = arguments.is_on("json")
                               ? json::serialize(status_json(status, which)) + "\n"
                               : status_text(status, which);
  // Cursor home and erase, in one write with the text: no flicker.
  std::cout << (clear ? "\x1b[H\x1b[2J" : "") + text << std::flush;
  return {};
}

Result<ExitCode> status(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  if (!arguments.is_on("watch")) {
    PENSTOCK_TRY(show_once(*client, arguments, false));
    return ExitCode::kOk;
  }
  catch_interrupts();
  const bool clear = terminal_width(STDOUT_FILENO) > 0 && !arguments.is_on("json");
  while (!interrupted()) {
    const Status shown = show_once(*client, arguments, clear);
    // A cluster that is being watched may well be in trouble: that is what it is watched for.
    if (!shown && !shown.error().retriable()) return std::unexpected(shown.error());
    if (!shown) std::cerr << "penstock: " << shown.error().to_string() << "\n";
    sleep_until(system_clock().steady_ns() + std::chrono::nanoseconds(kWatchInterval).count());
  }
  return ExitCode::kOk;
}

json::object to_json(const std::vector<Trouble>& findings) {
  const auto word = [](Severity severity) {
    return severity == Severity::kBroken   ? "broken"
           : severity == Severity::kAtRisk ? "at risk"
                                           : "note";
  };
  json::array list;
  for (const Trouble& finding : findings) {
    list.push_back(json::object{{"severity", word(finding.severity)}, {"text", finding.text}});
  }
  const ExitCode code = verdict(findings);
  return {{"healthy", code == ExitCode::kOk},
          {"serves", code != ExitCode::kBroken},
          {"findings", std::move(list)}};
}

Result<ExitCode> health(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  PENSTOCK_TRY_ASSIGN(const auto status, client->admin().cluster_status());
  const std::vector<Trouble> findings = find_troubles(status);
  if (arguments.is_on("json")) {
    std::cout << json::serialize(to_json(findings)) << "\n";
  } else {
    std::cout << health_text(status, findings);
  }
  return verdict(findings);
}

}  // namespace

std::vector<Command> cluster_show_commands() {
  Command status_command{
      .name = "cluster status",
      .summary = "show brokers, and partitions that are not as they should be",
      .details =
          "One line for each replica of a partition, with what it is behind its leader in "
          "records,\n"
          "bytes and time. Without --all only partitions without a leader, with replicas missing, "
          "away or\non the move, or at risk.\n\n"
          "With --json: {\"controller\",\"brokers\",\"partitions\",\"silent\",\"damages\"}.\n",
      .flags = {bootstrap_flag(),
                {.name = "all",
                 .meaning = "partitions that are as they should be, too",
                 .kind = FlagKind::kSwitch,
                 .letter = 'a'},
                {.name = "watch",
                 .meaning = "again every two seconds, until Ctrl-C",
                 .kind = FlagKind::kSwitch,
                 .letter = 'w'},
                json_flag()},
      .run = status};
  Command health_command{
      .name = "cluster health",
      .summary = "say what is wrong, one line a finding, with an exit code",
      .details =
          "Exit code 0: healthy. 4: everything serves, and one more failure may change that. 5: a "
          "part of\nthe cluster does not serve.\n\n"
          "Example, as a check of your monitoring:\n"
          "  penstock cluster health --bootstrap=db1:7333,db2:7333,db3:7333 || alert\n\n"
          "With --json: {\"healthy\",\"serves\",\"findings\":[{\"severity\",\"text\"}]}.\n",
      .flags = {bootstrap_flag(), json_flag()},
      .run = health};
  return {std::move(status_command), std::move(health_command)};
}

}  // namespace penstock::tools
