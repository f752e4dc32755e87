#include "tests/archiver/archive_fixture.h"

#include <filesystem>
#include <map>

#include "archiver/limits.h"
#include "archiver/log_reader.h"
#include "archiver/parquet.h"

namespace penstock::archiver {

std::string make_folder(const std::string& name) {
  std::string pattern =
      (std::filesystem::temp_directory_path() / ("penstock-" + name + "-XXXXXX")).string();
  const char* made = ::mkdtemp(pattern.data());
  EXPECT_NE(made, nullptr);
  return pattern;
}

ArchiveFixture::ArchiveFixture() : folder_(make_folder("archive")) {
  store_ = LocalObjectStore::open(posix_env(), folder_).value();
  database_ =
      engine::Database::open({.memory_limit_mb = 128, .threads = 1, .temporary_dir = ""}).value();
  sql_ = database_->connect().value();
}

ArchiveFixture::~ArchiveFixture() { (void)posix_env().remove_tree(folder_); }

WorkerOptions ArchiveFixture::options() const {
  WorkerOptions options;
  options.work_dir = store_->temporary_dir();
  options.sql_memory_limit_mb = kMinWorkerSqlMb;
  return options;
}

Result<std::unique_ptr<ArchiveWorker>> ArchiveFixture::open_worker(WorkerOptions options,
                                                                   StepObserver* observer) {
  const WorkerParts parts{
      .source = log_,
      .store = *store_,
      .env = posix_env(),
      .clock = clock_,
      .pause = [this](std::chrono::milliseconds pause) { clock_.advance_ms(pause.count()); },
      .observer = observer};
  return ArchiveWorker::open(parts, std::move(options));
}

WorkerSummary ArchiveFixture::archive_once() {
  WorkerOptions once = options();
  once.mode = RunMode::kOnce;
  auto worker = open_worker(once);
  EXPECT_TRUE(worker.has_value()) << worker.error().to_string();
  auto summary = (*worker)->run();
  EXPECT_TRUE(summary.has_value()) << summary.error().to_string();
  return *summary;
}

Manifest ArchiveFixture::manifest(const std::string& topic, std::int32_t partition) {
  const auto stored = store_->get(manifest_name(topic, PartitionId(partition)), kMaxManifestBytes);
  EXPECT_TRUE(stored.has_value()) << stored.error().to_string();
  auto decoded = decode(stored->bytes);
  EXPECT_TRUE(decoded.has_value()) << decoded.error().to_string();
  return *decoded;
}

std::vector<std::string> ArchiveFixture::archived_values(const std::string& topic,
                                                         std::int32_t partition) {
  std::vector<std::string> values;
  for (const ChunkEntry& chunk : manifest(topic, partition).chunks) {
    const auto read = read_parquet(
        *sql_, store_->location(chunk.object), [&](const record::RecordView& record, Term) {
          values.push_back(std::to_string(record.offset.value()) + " " +
                           (record.value ? std::string(as_text(*record.value)) : "null"));
        });
    EXPECT_TRUE(read.has_value()) << read.error().to_string();
  }
  return values;
}

std::vector<std::string> ArchiveFixture::objects() {
  std::vector<std::string> found;
  for (const std::string& name : store_->list("").value()) {
    if (!parse_manifest_name(name)) found.push_back(name);
  }
  return found;
}

ArchiveFixture::Continuity ArchiveFixture::continuity(const std::string& topic,
                                                      std::int32_t partition) {
  Continuity result;
  const Manifest archived = manifest(topic, partition);
  std::map<std::int64_t, record::Hash128> in_log;
  auto reader = LogReader::open(log_, topic, PartitionId(partition), archived.start,
                                std::chrono::milliseconds(0));
  const auto read = reader->visit_until(archived.end(), [&](const auto& record, Term epoch) {
    in_log[record.offset.value()] = record::hash_record(record, epoch);
  });
  EXPECT_TRUE(read.has_value()) << read.error().to_string();
  Offset at = archived.start;
  for (const ChunkEntry& chunk : archived.chunks) {
    ++result.objects;
    result.gaps += chunk.base > at ? 1 : 0;
    result.overlaps += chunk.base < at ? 1 : 0;
    at = chunk.end;
    RecordFigures figures;
    const auto visited =
        read_parquet(*sql_, store_->location(chunk.object), [&](const auto& record, Term epoch) {
          figures.add(record, epoch);
          const auto original = in_log.find(record.offset.value());
          if (original == in_log.end()) {
            ++result.overlaps;
          } else {
            if (original->second != record::hash_record(record, epoch)) ++result.hash_mismatch;
            in_log.erase(original);
          }
        });
    EXPECT_TRUE(visited.has_value()) << visited.error().to_string();
    if (figures.hash_sum != chunk.hash_sum || figures.records != chunk.records) {
      ++result.hash_mismatch;
    }
  }
  result.missing_records = in_log.size();
  return result;
}

}  // namespace penstock::archiver
