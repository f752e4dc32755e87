// penstock doctor: is this machine fit for a broker, and does one answer?
#include <sys/resource.h>

#include <boost/json.hpp>
#include <charconv>
#include <iostream>

#include "base/file.h"
#include "tools/commands.h"
#include "tools/doctor_probes.h"
#include "tools/interrupt.h"
#include "tools/output_table.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::string text = read_text(path);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return value;
}

rlimit limit_of(decltype(RLIMIT_NOFILE) resource) {
  rlimit limit{};
  getrlimit(resource, &limit);
  return limit;
}

void check_disk(const std::string& data_dir, std::size_t samples, std::vector<Finding>& findings) {
  const std::string folder = existing_folder(data_dir);
  findings.push_back(judge_data_dir(data_dir, probe_data_dir(data_dir)));
  findings.push_back(judge_file_system(probe_file_system(folder)));
  findings.push_back(judge_flush(probe_flush(folder, samples)));
  if (const auto space = posix_env().disk_space(folder)) findings.push_back(judge_space(*space));
}

void check_system(std::vector<Finding>& findings) {
  findings.push_back(judge_clock(probe_clock()));
  const rlimit files = limit_of(RLIMIT_NOFILE);
  findings.push_back(judge_open_files(files.rlim_cur, files.rlim_max));
  const rlimit locked = limit_of(RLIMIT_MEMLOCK);
  findings.push_back(judge_locked_memory(locked.rlim_cur == RLIM_INFINITY
                                             ? std::nullopt
                                             : std::optional<std::uint64_t>(locked.rlim_cur)));
  findings.push_back(judge_map_count(number_in("/proc/sys/vm/max_map_count")));
  findings.push_back(judge_huge_pages(read_text("/sys/kernel/mm/transparent_hugepage/enabled")));
}

Finding check_broker(const Arguments& arguments) {
  Finding finding{.check = "broker",
                  .verdict = Verdict::kOk,
                  .found = arguments.text("bootstrap"),
                  .advice = {}};
  const auto client = connect(arguments);
  if (!client) {
    finding.verdict = Verdict::kWarn;
    finding.found += ": no answer";
    finding.advice = "fine if none is to run; otherwise: penstock up. " + client.error().message();
    return finding;
  }
  const auto cluster = (*client)->admin().describe_cluster();
  if (!cluster) {
    finding.verdict = Verdict::kFail;
    finding.found += ": " + cluster.error().to_string();
    finding.advice = "its log says more";
    return finding;
  }
  finding.found += ": " + cluster->software + ", up for " +
                   human_seconds(static_cast<double>(cluster->uptime_ms) / 1000) + ", " +
                   human_bytes(cluster->disk_available_bytes) + " free";
  if (cluster->disk_full) {
    finding.verdict = Verdict::kFail;
    finding.advice = "its disk is full and producers are refused: free space, or shorten retention";
  }
  return finding;
}

void print_table(const std::vector<Finding>& findings) {
  OutputTable table({{"CHECK"}, {"STATE"}, {"FOUND"}});
  for (const Finding& finding : findings) {
    table.add_row({finding.check, std::string(name(finding.verdict)), finding.found});
  }
  std::cout << table.render();
  bool first = true;
  for (const Finding& finding : findings) {
    if (finding.advice.empty()) continue;
    std::cout << (first ? "\n" : "") << finding.check << ": " << finding.advice << "\n";
    first = false;
  }
}

void print_json(const std::vector<Finding>& findings) {
  boost::json::array out;
  for (const Finding& finding : findings) {
    out.push_back(boost::json::object{{"check", finding.check},
                                      {"state", std::string(name(finding.verdict))},
                                      {"found", finding.found},
                                      {"advice", finding.advice}});
  }
  std::cout << boost::json::serialize(out) << "\n";
}

Result<ExitCode> run(const Arguments& arguments) {
  catch_interrupts();
  PENSTOCK_TRY_ASSIGN(const auto bootstrap, bootstrap_of(arguments));
  PENSTOCK_TRY_ASSIGN(const std::int64_t metrics_port, arguments.integer("metrics_port", 1, 65535));
  PENSTOCK_TRY_ASSIGN(const std::int64_t samples, arguments.integer("samples", 1, 100'000));
  std::vector<Finding> findings;
  check_disk(data_dir_of(arguments), static_cast<std::size_t>(samples), findings);
  check_system(findings);
  const std::uint16_t port = bootstrap.front().port;
  findings.push_back(judge_port("port", port, listener_of(port)));
  const auto metrics = static_cast<std::uint16_t>(metrics_port);
  findings.push_back(judge_port("metrics port", metrics, listener_of(metrics)));
  findings.push_back(check_broker(arguments));
  if (interrupted()) return ExitCode::kInterrupted;
  arguments.is_on("json") ? print_json(findings) : print_table(findings);
  return worst(findings) == Verdict::kFail ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace

Command doctor_command() {
  return {.name = "doctor",
          .summary = "is this machine fit: fsync, clock, limits, ports, broker",
          .details = "Exit code 1 when a check fails; warnings do not count.\n",
          .flags = {data_dir_flag(),
                    bootstrap_flag(),
                    {.name = "metrics_port",
                     .value = "N",
                     .default_value = "7334",
                     .meaning = "port of the broker's metrics"},
                    {.name = "samples",
                     .value = "N",
                     .default_value = "500",
                     .meaning = "flushes to measure, within two seconds"},
                    json_flag()},
          .run = run};
}

}  // namespace penstock::tools
