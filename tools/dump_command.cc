// penstock dump: what lies in logs on disk, checked, without a broker.
#include <algorithm>
#include <iostream>
#include <vector>

#include "storage/dump.h"
#include "storage/scan.h"
#include "storage/segment_name.h"
#include "tools/commands.h"
#include "tools/dump_json.h"
#include "tools/json_text.h"
#include "tools/log_folders.h"
#include "tools/record_json.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

enum class DumpFormat { kText, kJson };

struct DumpPlan {
  std::string root;
  std::string topic;  // empty: all
  std::optional<PartitionId> partition;
  storage::DumpOptions options;
  bool records = false;
  DumpFormat format = DumpFormat::kText;
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
  if (arguments.is_on("json")) plan.format = DumpFormat::kJson;
  return plan;
}

bool is_wanted(const DumpPlan& plan, const LogFolder& folder) {
  return (plan.topic.empty() || folder.topic == plan.topic) &&
         (!plan.partition || folder.partition == *plan.partition);
}

bool in_range(const storage::DumpOptions& options, Offset offset) {
  return (!options.from || offset >= *options.from) && (!options.to || offset < *options.to);
}

// Prints what is found in one log.
class LogPrinter {
 public:
  LogPrinter(const DumpPlan& plan, const LogFolder& folder) : plan_(plan), folder_(folder) {}

  void header() const {
    if (plan_.format == DumpFormat::kJson) {
      std::string path;
      append_json_string(path, folder_.path);
      std::cout << "{\"topic\":" << topic_json() << ",\"partition\":" << folder_.partition.value()
                << ",\"type\":\"log\",\"path\":" << path << "}\n";
    } else {
      std::cout << folder_.topic << "/" << folder_.partition.value() << "  " << folder_.path
                << "\n";
    }
  }

  // As dump_log() makes it.
  void line(std::string_view text) const {
    if (plan_.format == DumpFormat::kJson) {
      std::cout << dump_line_json(folder_.topic, folder_.partition, text) << "\n";
    } else {
      std::cout << "  " << text << "\n";
    }
  }

  void record(const record::RecordView& record, bool is_control) const {
    std::string text = plan_.format == DumpFormat::kJson ? ""
                       : is_control                      ? "    control "
                                                         : "    record ";
    append_record_json({folder_.topic, folder_.partition, record}, text);
    if (plan_.format == DumpFormat::kJson) {
      text.insert(1, is_control ? "\"type\":\"control\"," : "\"type\":\"record\",");
    }
    std::cout << text << "\n";
  }

  void summary(const storage::DumpReport& report) const {
    const std::string figures = "segments=" + std::to_string(report.segments) +
                                " batches=" + std::to_string(report.batches) +
                                " records=" + std::to_string(report.records) +
                                " bytes=" + std::to_string(report.bytes) +
                                " torn_bytes=" + std::to_string(report.torn_bytes) +
                                " damaged=" + std::to_string(report.damaged) +
                                " bad_side_files=" + std::to_string(report.bad_side_files);
    if (plan_.format == DumpFormat::kJson) {
      line("summary " + figures);
    } else {
      std::cout << "DUMP topic=" << folder_.topic << " partition=" << folder_.partition.value()
                << " " << figures << "\n";
    }
  }

 private:
  std::string topic_json() const {
    std::string text;
    append_json_string(text, folder_.topic);
    return text;
  }

  const DumpPlan& plan_;
  const LogFolder& folder_;
};

// The records of one batch, or why it has none to show.
void print_records(const LogPrinter& print, const storage::DumpOptions& options,
                   const record::BatchView& batch) {
  if (options.from && batch.end_offset() <= *options.from) return;
  if (options.to && batch.base_offset() >= *options.to) return;
  auto records = record::Records::open(batch);
  if (!records) {
    print.line("  PROBLEM " + records.error().to_string());
    return;
  }
  while (true) {
    const auto record = records->next();
    if (!record) print.line("  PROBLEM " + record.error().to_string());
    if (!record || !*record) return;
    if (in_range(options, (*record)->offset)) print.record(**record, batch.is_control());
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
Status dump_records(Env& env, const LogFolder& folder, const storage::DumpOptions& options,
                    const LogPrinter& print) {
  PENSTOCK_TRY_ASSIGN(const auto segments, segments_in(env, folder.path));
  for (const Offset base : segments) {
    const std::string name = storage::segment_file_name(base, storage::SegmentFile::kLog);
    PENSTOCK_TRY_ASSIGN(const auto file, env.open(folder.path + "/" + name, OpenMode::kRead));
    PENSTOCK_TRY_ASSIGN(const std::uint64_t size, file->size());
    print.line("records file=" + name);
    PENSTOCK_TRY_ASSIGN(
        const storage::ScanStop stop,
        storage::scan_batches(
            *file, {.position = 0, .expected = base, .epoch = Term()}, size,
            [&](const record::BatchView& batch) { print_records(print, options, batch); }));
    if (!stop.reason.empty()) {
      print.line("  PROBLEM at position " + std::to_string(stop.position) + ": " + stop.reason);
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
    const LogPrinter print(plan, folder);
    print.header();
    auto report = storage::dump_log(posix_env(), folder.path, plan.options,
                                    [&](std::string_view line) { print.line(line); });
    if (!report) return fail(std::move(report).error().context("dump " + folder.path));
    if (plan.records) PENSTOCK_TRY(dump_records(posix_env(), folder, plan.options, print));
    print.summary(*report);
    healthy = healthy && report->healthy();
  }
  return healthy ? ExitCode::kOk : ExitCode::kFailed;
}

constexpr std::string_view kDetails =
    R"(PATH is a data directory, a topic's folder or a partition's; without it DATA_DIR is taken. Needs
no broker and changes nothing; what a running broker is just writing may show as torn.
Everything is checked: exit code 1 when something is damaged.

With --json every line is one object with "topic", "partition" and "type": "log" for each log, then
"checkpoint", "segment", "index", "run", "seal", "batch", "end", "tail", "problem", "note"; with
--records also "records", "record", "control"; and last "summary" with what was counted.

Example:
  penstock dump --topic=quakes --partition=0 --detail=summary
  penstock dump --json | jq 'select(.type == "problem")'
)";

}  // namespace

Command dump_command() {
  return {
      .name = "dump",
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
           {.name = "json", .meaning = "print one JSON object a line", .kind = FlagKind::kSwitch},
           {.name = "from", .value = "OFFSET", .meaning = "show nothing before"},
           {.name = "to", .value = "OFFSET", .meaning = "show nothing from there on"}},
      .run = run};
}

}  // namespace penstock::tools
