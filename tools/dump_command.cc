// penstock dump: what lies in logs on disk, checked, without a broker.
#include <algorithm>
#include <iostream>
#include <vector>

#include "storage/dump.h"
#include "storage/scan.h"
#include "storage/segment_name.h"
#include "tools/commands.h"
#include "tools/log_folders.h"
#include "tools/record_json.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

struct DumpPlan {
  std::string root;
  std::string topic;  // empty: all
  std::optional<PartitionId> partition;
  storage::DumpOptions options;
  bool records = false;
};

Result<std::optional<Offset>> offset_flag(const Arguments& arguments, std::string_view flag) {
  if (!arguments.given(flag)) return std::nullopt;
  PENSTOCK_TRY_ASSIGN(const std::int64_t value, arguments.integer(flag, 0));
  return Offset(value);
}

Result<storage::DumpDetail> detail_from_name(const std::string& name) {
  if (name == "summary") return storage::DumpDetail::kSummary;
  if (name == "indexes") return storage::DumpDetail::kIndexes;
  if (name == "batches") return storage::DumpDetail::kBatches;
  return fail(Errc::kInvalidArgument,
              "--detail takes summary, indexes or batches, not '" + name + "'");
}

Result<DumpPlan> plan_of(const Arguments& arguments) {
  DumpPlan plan;
  plan.root = arguments.operands().empty() ? data_dir_of(arguments) : arguments.operands()[0];
  plan.topic = arguments.text("topic");
  if (arguments.given("partition")) {
    PENSTOCK_TRY_ASSIGN(const std::int64_t number, arguments.integer("partition", 0, INT32_MAX));
    plan.partition = PartitionId(static_cast<std::int32_t>(number));
  }
  PENSTOCK_TRY_ASSIGN(plan.options.detail, detail_from_name(arguments.text("detail")));
  PENSTOCK_TRY_ASSIGN(plan.options.from, offset_flag(arguments, "from"));
  PENSTOCK_TRY_ASSIGN(plan.options.to, offset_flag(arguments, "to"));
  plan.records = arguments.is_on("records");
  return plan;
}

bool is_wanted(const DumpPlan& plan, const LogFolder& folder) {
  return (plan.topic.empty() || folder.topic == plan.topic) &&
         (!plan.partition || folder.partition == *plan.partition);
}

bool in_range(const storage::DumpOptions& options, Offset offset) {
  return (!options.from || offset >= *options.from) && (!options.to || offset < *options.to);
}

// The records of one batch, or why it has none to show.
void print_records(const LogFolder& folder, const storage::DumpOptions& options,
                   const record::BatchView& batch) {
  if (options.from && batch.end_offset() <= *options.from) return;
  if (options.to && batch.base_offset() >= *options.to) return;
  auto records = record::Records::open(batch);
  if (!records) {
    std::cout << "    PROBLEM " << records.error().to_string() << "\n";
    return;
  }
  std::string line;
  while (true) {
    const auto record = records->next();
    if (!record) std::cout << "    PROBLEM " << record.error().to_string() << "\n";
    if (!record || !*record) return;
    if (!in_range(options, (*record)->offset)) continue;
    line = batch.is_control() ? "    control " : "    record ";
    append_record_json({folder.topic, folder.partition, **record}, line);
    std::cout << line << "\n";
  }
}

// Base offsets of the segments in a log's folder, in order.
Result<std::vector<Offset>> segments_in(Env& env, const std::string& path) {
  PENSTOCK_TRY_ASSIGN(const auto entries, env.list(path));
  std::vector<Offset> bases;
  for (const FileInfo& entry : entries) {
    const auto name = storage::parse_segment_name(entry.name);
    if (name && name->kind == storage::SegmentFile::kLog) bases.push_back(name->base);
  }
  std::ranges::sort(bases);
  return bases;
}

// Every segment is read as far as its batches go; what is behind damage, dump_log() tells.
Status dump_records(Env& env, const LogFolder& folder, const storage::DumpOptions& options) {
  PENSTOCK_TRY_ASSIGN(const auto segments, segments_in(env, folder.path));
  for (const Offset base : segments) {
    const std::string name = storage::segment_file_name(base, storage::SegmentFile::kLog);
    PENSTOCK_TRY_ASSIGN(const auto file, env.open(folder.path + "/" + name, OpenMode::kRead));
    PENSTOCK_TRY_ASSIGN(const std::uint64_t size, file->size());
    std::cout << "  records of " << name << "\n";
    PENSTOCK_TRY_ASSIGN(
        const storage::ScanStop stop,
        storage::scan_batches(
            *file, {.position = 0, .expected = base, .epoch = Term()}, size,
            [&](const record::BatchView& batch) { print_records(folder, options, batch); }));
    if (!stop.reason.empty()) {
      std::cout << "    PROBLEM at position " << stop.position << ": " << stop.reason << "\n";
    }
  }
  return {};
}

Result<ExitCode> run(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(const DumpPlan plan, plan_of(arguments));
  PENSTOCK_TRY_ASSIGN(auto folders, find_log_folders(posix_env(), plan.root));
  std::erase_if(folders, [&](const LogFolder& folder) { return !is_wanted(plan, folder); });
  if (folders.empty()) {
    return fail(Errc::kNotFound, "dump: no such log below " + plan.root);
  }
  bool healthy = true;
  for (const LogFolder& folder : folders) {
    std::cout << folder.topic << "/" << folder.partition.value() << "  " << folder.path << "\n";
    auto report =
        storage::dump_log(posix_env(), folder.path, plan.options,
                          [](std::string_view line) { std::cout << "  " << line << "\n"; });
    if (!report) return fail(std::move(report).error().context("dump " + folder.path));
    if (plan.records) PENSTOCK_TRY(dump_records(posix_env(), folder, plan.options));
    std::cout << "DUMP topic=" << folder.topic << " partition=" << folder.partition.value()
              << " segments=" << report->segments << " batches=" << report->batches
              << " records=" << report->records << " bytes=" << report->bytes
              << " torn_bytes=" << report->torn_bytes << " damaged=" << report->damaged
              << " bad_side_files=" << report->bad_side_files << "\n";
    healthy = healthy && report->healthy();
  }
  return healthy ? ExitCode::kOk : ExitCode::kFailed;
}

constexpr std::string_view kDetails =
    R"(PATH is a data directory, a topic's folder or a partition's; without it DATA_DIR is taken. Needs
no broker and changes nothing; what a running broker is just writing may show as torn.
Everything is checked: exit code 1 when something is damaged.

Example:
  penstock dump --topic=quakes --partition=0 --detail=summary
)";

}  // namespace

Command dump_command() {
  return {.name = "dump",
          .operands = "[PATH]",
          .summary = "show and check logs on disk: segments, batches, indexes, records",
          .details = std::string(kDetails),
          .max_operands = 1,
          .flags =
              {data_dir_flag(),
               {.name = "topic", .value = "NAME", .meaning = "logs of this topic only"},
               {.name = "partition", .value = "N", .meaning = "this partition only", .letter = 'p'},
               {.name = "detail",
                .value = "LEVEL",
                .default_value = "batches",
                .meaning = "summary: checkpoint and segments; indexes: index entries too; "
                           "batches: batches too"},
               {.name = "records", .meaning = "decode the records too", .kind = FlagKind::kSwitch},
               {.name = "from", .value = "OFFSET", .meaning = "show nothing before"},
               {.name = "to", .value = "OFFSET", .meaning = "show nothing from there on"}},
          .run = run};
}

}  // namespace penstock::tools
