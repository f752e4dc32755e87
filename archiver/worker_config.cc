#include "archiver/worker_config.h"

#include <sstream>

#include "archiver/limits.h"

namespace penstock::archiver {
namespace {

// Share of the memory limit that goes to fetching; the rest is the SQL engine's.
constexpr std::uint64_t kFetchShare = 4;
constexpr std::uint64_t kMinMemoryMb = kMinWorkerSqlMb * kFetchShare / (kFetchShare - 1) + 1;
// Beyond a terabyte a number of MiB is a mistake; and bytes must not overflow.
constexpr std::uint64_t kMaxMb = 1ULL << 20;

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  std::istringstream in(list);
  for (std::string part; std::getline(in, part, ',');) {
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

Status check(std::string_view flag, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  if (value >= low && value <= high) return {};
  return fail(Errc::kInvalidArgument, "--" + std::string(flag) + " must be at least " +
                                          std::to_string(low) + " and at most " +
                                          std::to_string(high) + ", not " + std::to_string(value));
}

Result<std::vector<rpc::Endpoint>> brokers_of(const std::string& list) {
  std::vector<rpc::Endpoint> brokers;
  for (const std::string& address : split(list)) {
    auto endpoint = rpc::Endpoint::parse(address);
    if (!endpoint) return fail(std::move(endpoint).error().context("--bootstrap"));
    brokers.push_back(*std::move(endpoint));
  }
  if (brokers.empty()) return fail(Errc::kInvalidArgument, "--bootstrap names no broker");
  return brokers;
}

Status check_ranges(const WorkerFlags& flags) {
  PENSTOCK_TRY(check("archive_chunk_mb", flags.archive_chunk_mb, 1, kMaxMb));
  PENSTOCK_TRY(check("archive_chunk_records", flags.archive_chunk_records, 1, kMaxChunkRecords));
  PENSTOCK_TRY(check("archive_interval_s", flags.archive_interval_s, 1, kMaxChunkAgeMs / 1000));
  PENSTOCK_TRY(check("memory_limit_mb", flags.memory_limit_mb, kMinMemoryMb, kMaxMb));
  return check("spool_limit_mb", flags.spool_limit_mb, 0, kMaxMb);
}

}  // namespace

Result<WorkerConfig> config_from(const WorkerFlags& flags) {
  if (flags.archive_dir.empty()) {
    return fail(Errc::kInvalidArgument, "--archive_dir is missing: the folder of the archive");
  }
  PENSTOCK_TRY(check_ranges(flags));
  WorkerConfig config;
  config.archive_dir = flags.archive_dir;
  config.client.client_name = "penstock-worker";
  PENSTOCK_TRY_ASSIGN(config.client.bootstrap, brokers_of(flags.bootstrap));
  const std::uint64_t fetch_mb = flags.memory_limit_mb / kFetchShare;
  config.consumer.memory_limit_bytes = fetch_mb << 20;
  config.worker = {
      .topics = split(flags.topics),
      .roll = {.max_bytes = flags.archive_chunk_mb << 20,
               .max_records = flags.archive_chunk_records,
               .max_age_ms = static_cast<std::int64_t>(flags.archive_interval_s * 1000)},
      .mode = flags.once ? RunMode::kOnce : RunMode::kContinuous,
      .on_stop = flags.flush_on_shutdown ? OnStop::kArchiveOpenChunks : OnStop::kAbandonOpenChunks,
      .work_dir = flags.work_dir,
      .sql_memory_limit_mb = flags.memory_limit_mb - fetch_mb,
      .max_spool_bytes = flags.spool_limit_mb << 20};
  return config;
}

}  // namespace penstock::archiver
