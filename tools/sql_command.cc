// penstock sql: SQL over the archive.
#include <unistd.h>

#include <iostream>

#include "archiver/sql.h"
#include "tools/commands.h"
#include "tools/shared_flags.h"
#include "tools/terminal.h"

namespace penstock::tools {
namespace {

Result<archiver::SqlOptions> options_of(const Arguments& arguments) {
  archiver::SqlOptions options;
  if (arguments.is_on("csv") && arguments.is_on("json")) {
    return fail(Errc::kInvalidArgument, "--csv and --json exclude each other");
  }
  if (arguments.is_on("csv")) options.format = archiver::SqlFormat::kCsv;
  if (arguments.is_on("json")) options.format = archiver::SqlFormat::kNdjson;
  options.width = terminal_width(STDOUT_FILENO);
  PENSTOCK_TRY_ASSIGN(const std::int64_t memory,
                      arguments.integer("memory_limit_mb", 64, 1'000'000));
  PENSTOCK_TRY_ASSIGN(const std::int64_t threads, arguments.integer("threads", 0, 1024));
  options.memory_limit_mb = static_cast<std::size_t>(memory);
  options.threads = static_cast<std::size_t>(threads);
  return options;
}

Result<ExitCode> run(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const archiver::SqlOptions options, options_of(arguments));
  PENSTOCK_TRY_ASSIGN(const auto store, open_archive(arguments));
  if (arguments.operands().empty()) {
    PENSTOCK_TRY_ASSIGN(const auto topics, archiver::archived_topics(*store));
    for (const std::string& topic : topics) std::cout << topic << "\n";
    if (topics.empty()) std::cerr << "nothing is archived yet in " << store->root() << "\n";
    return ExitCode::kOk;
  }
  const auto summary = archiver::run_sql(*store, arguments.operands()[0], options, std::cout);
  if (!summary) return fail(Error(summary.error()).context("sql"));
  return ExitCode::kOk;
}

constexpr std::string_view kDetails =
    R"(Every archived topic is a view of its name; without a statement the topics are listed.
Columns: _partition, _offset, _timestamp, _key, _value, and the fields of values that are JSON
objects. The archive lags the log by its rolling interval; penstock verify TOPIC --wait waits for it.

Example:
  penstock sql "select mag, place from quakes order by mag desc limit 5"
)";

}  // namespace

Command sql_command() {
  return {
      .name = "sql",
      .operands = "[STATEMENT]",
      .summary = "query the archive",
      .details = std::string(kDetails),
      .max_operands = 1,
      .flags = {data_dir_flag(),
                archive_dir_flag(),
                {.name = "csv", .meaning = "print CSV with a header", .kind = FlagKind::kSwitch},
                {.name = "json",
                 .meaning = "print one JSON object a row",
                 .kind = FlagKind::kSwitch},
                {.name = "memory_limit_mb",
                 .value = "N",
                 .default_value = "1024",
                 .meaning = "memory that the engine may use; it spills to disk beyond"},
                {.name = "threads",
                 .value = "N",
                 .default_value = "0",
                 .meaning = "threads of the engine; 0: one a core"}},
      .run = run};
}

}  // namespace penstock::tools
