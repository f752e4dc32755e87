#include "archiver/verify.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "archiver/duckdb.h"
#include "archiver/limits.h"
#include "archiver/log_reader.h"
#include "archiver/manifest.h"
#include "archiver/parquet.h"
#include "archiver/record_source.h"
#include "archiver/verify_difference.h"
#include "base/clock.h"

namespace penstock::archiver {
namespace {

constexpr std::chrono::milliseconds kWaitInterval{100};

struct PartitionPair {
  SourcePartition log;
  Manifest manifest;
};

RangeFigures short_form(const RecordFigures& figures) {
  return {.records = figures.records, .hash_sum = figures.hash_sum};
}

void add(RangeFigures& figures, const record::Hash128& hash) {
  ++figures.records;
  figures.hash_sum += hash;
}

// Everything but what only the archive can still hold; a row outside of its object's range belongs
// nowhere.
bool is_compared(const RangeReport& range, Offset offset) {
  return offset >= range.compared_from || offset < range.base || offset >= range.end;
}

// A partition without manifest is one of which nothing is archived.
Result<std::optional<Manifest>> load_manifest(ObjectStore& store, const std::string& topic,
                                              PartitionId partition) {
  const std::string name = manifest_name(topic, partition);
  const auto stored = store.get(name, kMaxManifestBytes);
  if (!stored && stored.error().code() == Errc::kNotFound) return std::nullopt;
  if (!stored) return std::unexpected(stored.error());
  auto manifest = decode(stored->bytes);
  if (!manifest) return std::unexpected(std::move(manifest).error().context(name));
  PENSTOCK_TRY(check_place(*manifest, name));
  return *std::move(manifest);
}

Result<std::vector<PartitionPair>> load_pairs(ObjectStore& store, const SourceTopic& topic) {
  std::vector<PartitionPair> pairs;
  bool any = false;
  for (const SourcePartition& log : topic.partitions) {
    PENSTOCK_TRY_ASSIGN(auto manifest, load_manifest(store, topic.name, log.partition));
    if (manifest && manifest->topic_id != topic.id) {
      return fail(Errc::kForeignData,
                  "the archive of " + topic.name + " is of an earlier topic of that name");
    }
    any |= manifest.has_value();
    if (!manifest) {
      manifest = Manifest{.topic = topic.name,
                          .topic_id = topic.id,
                          .partition = log.partition,
                          .generation = 0,
                          .start = log.log_start,
                          .chunks = {},
                          .lost = {}};
    }
    pairs.push_back({.log = log, .manifest = *std::move(manifest)});
  }
  if (!any) {
    return fail(Errc::kNotFound, "topic " + topic.name + " is not in the archive " + store.root());
  }
  return pairs;
}

Result<SourceTopic> describe(RecordSource& log, const std::string& topic) {
  PENSTOCK_TRY_ASSIGN(auto topics, log.topics({topic}));
  if (topics.empty()) return fail(Errc::kUnknownTopic, topic);
  return std::move(topics.front());
}

// Reads the manifests again and again until they reach the high watermarks of `topic`.
Result<std::vector<PartitionPair>> wait_for_archive(ObjectStore& store, const SourceTopic& topic,
                                                    std::chrono::milliseconds timeout) {
  const std::int64_t give_up_ns =
      system_clock().steady_ns() + std::chrono::nanoseconds(timeout).count();
  while (true) {
    auto pairs = load_pairs(store, topic);
    const bool absent = !pairs && pairs.error().code() == Errc::kNotFound;
    if (!pairs && !absent) return pairs;
    if (pairs && std::ranges::all_of(*pairs, [](const PartitionPair& pair) {
          return pair.manifest.end() >= pair.log.high_watermark;
        })) {
      return pairs;
    }
    if (system_clock().steady_ns() >= give_up_ns) {
      return fail(Errc::kTimeout,
                  "the archive of " + topic.name + " did not reach the end of the log in time");
    }
    std::this_thread::sleep_for(kWaitInterval);
  }
}

class TopicVerifier {
 public:
  TopicVerifier(RecordSource& log, ObjectStore& store, engine::Connection& sql,
                const VerifyOptions& options, std::string topic)
      : log_(log), store_(store), sql_(sql), options_(options) {
    report_.topic = std::move(topic);
  }

  Status verify(const PartitionPair& pair);
  VerifyReport take_report() { return std::move(report_); }

 private:
  Status verify_chunk(const PartitionPair& pair, const ChunkEntry& chunk);
  Status verify_absent(const PartitionPair& pair, Offset base, Offset end);
  void read_object(const ChunkEntry& chunk, RangeReport& range);
  Result<bool> check_object_bytes(const ChunkEntry& chunk, RangeReport& range);
  Status read_log(RangeReport& range);
  Status search(RangeReport& range);
  void note_problem(RangeReport& range, const std::string& problem);
  void count(const std::vector<Finding>& findings);

  RecordSource& log_;
  ObjectStore& store_;
  engine::Connection& sql_;
  const VerifyOptions& options_;
  VerifyReport report_;
  std::optional<LogReader> reader_;  // of the partition under way, behind the last range
};

void TopicVerifier::note_problem(RangeReport& range, const std::string& problem) {
  range.state = RangeState::kDifferent;
  range.problem += (range.problem.empty() ? "" : "; ") + problem;
  ++report_.other_differences;
}

Status TopicVerifier::verify(const PartitionPair& pair) {
  const Manifest& manifest = pair.manifest;
  report_.partitions.push_back(
      {.partition = pair.log.partition,
       .log_start = pair.log.log_start,
       .high_watermark = pair.log.high_watermark,
       .archive_start = manifest.start,
       .archived_end = manifest.end(),
       .not_archived_offsets = std::max<std::int64_t>(
           0, pair.log.high_watermark - std::max(manifest.end(), pair.log.log_start))});
  reader_.reset();
  // A log start never moves back: a manifest that begins behind it leaves something out.
  if (pair.log.log_start < manifest.start) {
    PENSTOCK_TRY(verify_absent(pair, pair.log.log_start, manifest.start));
  }
  auto lost = manifest.lost.begin();
  for (const ChunkEntry& chunk : manifest.chunks) {
    for (; lost != manifest.lost.end() && lost->base < chunk.base; ++lost) {
      PENSTOCK_TRY(verify_absent(pair, lost->base, lost->end));
    }
    PENSTOCK_TRY(verify_chunk(pair, chunk));
  }
  for (; lost != manifest.lost.end(); ++lost) {
    PENSTOCK_TRY(verify_absent(pair, lost->base, lost->end));
  }
  return {};
}

// What the archive says that it cannot have: the log must not have it either.
Status TopicVerifier::verify_absent(const PartitionPair& pair, Offset base, Offset end) {
  RangeReport range;
  range.partition = pair.log.partition;
  range.base = base;
  range.end = end;
  range.state = RangeState::kLost;
  range.compared_from = std::max(base, pair.log.log_start);
  if (range.compared_from < end && end > pair.log.high_watermark) {
    note_problem(range, "the log ends before the archive does");
  } else if (range.compared_from < end) {
    PENSTOCK_TRY(read_log(range));
    if (range.log->records > 0) {
      PENSTOCK_TRY(search(range));
    } else {
      range.log.reset();
    }
  }
  const bool is_empty_head = base < pair.manifest.start && range.state == RangeState::kLost;
  if (!is_empty_head) report_.ranges.push_back(std::move(range));
  return {};
}

Status TopicVerifier::verify_chunk(const PartitionPair& pair, const ChunkEntry& chunk) {
  RangeReport range;
  range.partition = pair.log.partition;
  range.base = chunk.base;
  range.end = chunk.end;
  range.object = chunk.object;
  range.compared_from = std::max(chunk.base, pair.log.log_start);
  range.manifest = {.records = chunk.records, .hash_sum = chunk.hash_sum};
  const std::uint64_t before = report_.differences();
  PENSTOCK_TRY_ASSIGN(const bool exists, check_object_bytes(chunk, range));
  if (exists) read_object(chunk, range);
  if (range.compared_from >= chunk.end) {
    if (range.archive.records > 0) note_problem(range, "the object holds rows outside its range");
    if (report_.differences() == before) range.state = RangeState::kArchiveOnly;
  } else if (chunk.end > pair.log.high_watermark) {
    note_problem(range, "the log ends before the archive does");
  } else {
    PENSTOCK_TRY(read_log(range));
    if (*range.log != range.archive) PENSTOCK_TRY(search(range));
  }
  report_.ranges.push_back(std::move(range));
  return {};
}

// Whether there is an object at all.
Result<bool> TopicVerifier::check_object_bytes(const ChunkEntry& chunk, RangeReport& range) {
  const auto stat = store_.stat(chunk.object);
  if (!stat && stat.error().code() == Errc::kNotFound) {
    note_problem(range, "the object does not exist");
    return false;
  }
  PENSTOCK_TRY(stat);
  if (stat->size_bytes != chunk.size_bytes || stat->hash != chunk.object_hash) {
    note_problem(range, "the object's bytes are not those that the manifest names");
  }
  return true;
}

void TopicVerifier::read_object(const ChunkEntry& chunk, RangeReport& range) {
  const auto visited =
      read_parquet(sql_, store_.location(chunk.object), [&](const auto& record, Term epoch) {
        const record::Hash128 hash = record::hash_record(record, epoch);
        add(range.archive_whole_range, hash);
        if (is_compared(range, record.offset)) add(range.archive, hash);
      });
  if (!visited) {
    note_problem(range, "the object cannot be read: " + visited.error().message());
  } else if (range.archive_whole_range != range.manifest) {
    note_problem(range, "the manifest's count or hash sum is not the object's");
  }
}

Status TopicVerifier::read_log(RangeReport& range) {
  if (!reader_) {
    PENSTOCK_TRY_ASSIGN(LogReader reader,
                        LogReader::open(log_, report_.topic, range.partition, range.compared_from,
                                        options_.log_timeout));
    reader_.emplace(std::move(reader));
  }
  RecordFigures figures;
  PENSTOCK_TRY(reader_->visit_until(
      range.end, [&](const auto& record, Term epoch) { figures.add(record, epoch); }));
  range.log = short_form(figures);
  return {};
}

// Reads both copies once more, record by record.
Status TopicVerifier::search(RangeReport& range) {
  range.state = RangeState::kDifferent;
  if (std::max(range.log->records, range.archive.records) > kMaxSearchedRows) {
    note_problem(range, "log and archive differ; too many rows to search");
    return {};
  }
  std::vector<HashedRecord> log;
  std::vector<HashedRecord> archive;
  reader_.reset();
  PENSTOCK_TRY_ASSIGN(LogReader reader, LogReader::open(log_, report_.topic, range.partition,
                                                        range.compared_from, options_.log_timeout));
  PENSTOCK_TRY(reader.visit_until(range.end, [&](const auto& record, Term epoch) {
    log.push_back({record.offset, record::hash_record(record, epoch)});
  }));
  reader_.emplace(std::move(reader));
  // An object that cannot be read to its end was noted as such before; what it gave is compared.
  const auto keep = [&](const auto& record, Term epoch) {
    if (is_compared(range, record.offset)) {
      archive.push_back({record.offset, record::hash_record(record, epoch)});
    }
  };
  if (!range.object.empty()) (void)read_parquet(sql_, store_.location(range.object), keep);
  const auto findings = find_differences(range.partition, std::move(log), std::move(archive));
  if (findings.empty() && range.problem.empty()) {
    note_problem(range, "count or hash sum differ, but no record does: one copy is changing");
  }
  if (!findings.empty() && range.problem.empty()) {
    range.problem = std::to_string(findings.size()) + " records differ";
  }
  count(findings);
  return {};
}

void TopicVerifier::count(const std::vector<Finding>& findings) {
  for (const Finding& finding : findings) {
    switch (finding.kind) {
      case FindingKind::kLost:
        ++report_.lost_records;
        break;
      case FindingKind::kDuplicated:
        ++report_.duplicated_records;
        break;
      case FindingKind::kAltered:
        ++report_.altered_records;
        break;
      case FindingKind::kUnexpected:
        ++report_.unexpected_records;
        break;
    }
    if (report_.findings.size() < options_.max_findings) report_.findings.push_back(finding);
  }
}

}  // namespace

std::uint64_t VerifyReport::compared_records() const {
  std::uint64_t sum = 0;
  for (const RangeReport& range : ranges) sum += range.log ? range.log->records : 0;
  return sum;
}

Result<VerifyReport> verify_topic(RecordSource& log, ObjectStore& store, const std::string& topic,
                                  const VerifyOptions& options) {
  PENSTOCK_TRY_ASSIGN(const SourceTopic described, describe(log, topic));
  PENSTOCK_TRY_ASSIGN(const auto pairs,
                      options.wait_for_archive
                          ? wait_for_archive(store, described, *options.wait_for_archive)
                          : load_pairs(store, described));
  PENSTOCK_TRY_ASSIGN(
      const auto database,
      engine::Database::open(
          {.memory_limit_mb = options.memory_limit_mb, .threads = 1, .temporary_dir = ""}));
  PENSTOCK_TRY_ASSIGN(const auto sql, database->connect());
  TopicVerifier verifier(log, store, *sql, options, topic);
  for (const PartitionPair& pair : pairs) PENSTOCK_TRY(verifier.verify(pair));
  return verifier.take_report();
}

}  // namespace penstock::archiver
