// penstock bench: load and latency; the work is done in bench/.
#include "bench/bench_command.h"

#include <iostream>

#include "tools/commands.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

Result<ExitCode> run(const std::string& mode, const Arguments& arguments) {
  bench::BenchConfig config;
  PENSTOCK_TRY_ASSIGN(config.mode, bench::bench_mode_from_name(mode));
  PENSTOCK_TRY_ASSIGN(config.bootstrap, bootstrap_of(arguments));
  for (const bench::BenchFlag& flag : bench::bench_flags()) {
    if (!arguments.given(flag.name)) continue;
    if (Status set = flag.set(config, arguments.text(flag.name)); !set) {
      return fail(std::move(set).error().context("flag --" + std::string(flag.name)));
    }
  }
  PENSTOCK_TRY(bench::run_bench(config, std::cout));
  return ExitCode::kOk;
}

std::vector<FlagSpec> flags() {
  std::vector<FlagSpec> specs = {bootstrap_flag()};
  for (const bench::BenchFlag& flag : bench::bench_flags()) {
    specs.push_back({.name = std::string(flag.name),
                     .value = "VALUE",
                     .default_value = std::string(flag.default_value),
                     .meaning = std::string(flag.help)});
  }
  return specs;
}

Command bench_command(const std::string& mode, const std::string& summary) {
  return {.name = "bench " + mode,
          .summary = summary,
          .details =
              "Every result is also printed as a ratio to what this machine can do at all, "
              "measured in the\nsame run.\n",
          .flags = flags(),
          .run = [mode](const Arguments& arguments) { return run(mode, arguments); }};
}

}  // namespace

std::vector<Command> bench_commands() {
  return {bench_command("produce", "measure publishing"),
          bench_command("consume", "measure reading"),
          bench_command("e2e", "measure latency from producer to consumer"),
          bench_command("floor", "measure the machine's own limits")};
}

}  // namespace penstock::tools
