#include "archiver/partition_worker.h"

#include <algorithm>

#include "base/log.h"
#include "protocol/record/record.h"

namespace penstock::archiver {
namespace {

// "<topic id>-<partition>": a topic's name may be too long to carry a suffix.
std::string work_file(const std::string& dir, const LogPartition& log, std::string_view suffix) {
  return dir + "/" + log.topic_id.to_string() + "-" + std::to_string(log.partition.value()) +
         std::string(suffix);
}

bool is_work_file(const std::string& name) {
  constexpr std::size_t kIdDigits = 32;
  return name.size() > kIdDigits && name[kIdDigits] == '-' &&
         name.find_first_not_of("0123456789abcdef") == kIdDigits &&
         (name.ends_with(".spool") || name.ends_with(".parquet"));
}

// Appends the records of `batch` from `base` on.
Status append_batch(const record::BatchView& batch, Offset base, ParquetWriter& writer) {
  PENSTOCK_TRY_ASSIGN(auto records, record::Records::open(batch));
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto record, records.next());
    if (!record) return {};
    if (record->offset >= base) PENSTOCK_TRY(writer.append(*record, batch.leader_epoch()));
  }
}

}  // namespace

Result<PartitionWorker> PartitionWorker::open(const PartitionTools& tools,
                                              const LogPartition& log) {
  PENSTOCK_TRY_ASSIGN(auto archive,
                      PartitionArchive::open(tools.store, tools.gate, log, tools.clock.wall()));
  PENSTOCK_TRY_ASSIGN(auto spool,
                      Spool::create(tools.env, work_file(tools.work_dir, log, ".spool")));
  return PartitionWorker(tools, std::move(archive), std::move(spool),
                         work_file(tools.work_dir, log, ".parquet"));
}

Status PartitionWorker::pass(Step step) {
  return tools_.gate.pass(step, archive_.manifest().topic, archive_.manifest().partition);
}

Status PartitionWorker::add(const SourceBatches& delivered) {
  ByteView rest = delivered.batches.view();
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  Offset at = chunk_.end();
  while (!rest.empty()) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    rest = rest.subspan(batch.size());
    if (batch.end_offset() <= at) continue;
    if (batch.base_offset() > at) {
      logger("archiver")
          .warn("hole in the log topic={} partition={} offsets=[{},{})", delivered.topic,
                delivered.partition.value(), at.value(), batch.base_offset().value());
    }
    PENSTOCK_TRY(spool_.append(batch));
    bytes += batch.size();
    if (!batch.is_control()) records += static_cast<std::uint64_t>(batch.record_count());
    at = batch.end_offset();
  }
  if (delivered.next < at) return fail(Errc::kInvalidBatch, "batches beyond the end of a delivery");
  if (delivered.next == chunk_.end()) return {};
  chunk_.add(delivered.next, bytes, records, tools_.clock.steady_ns());
  return pass(Step::kSpooled);
}

Result<Offset> PartitionWorker::write_parquet(Spool::Reader& batches, ParquetWriter& writer) const {
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto batch, batches.next());
    if (!batch) return chunk_.end();
    if (!batch->is_control()) PENSTOCK_TRY(append_batch(*batch, chunk_.base(), writer));
    if (writer.full()) return batch->end_offset();
  }
}

Status PartitionWorker::read_back(const RecordFigures& written) const {
  RecordFigures read;
  PENSTOCK_TRY(read_parquet(tools_.sql, parquet_path_, [&](const auto& record, Term leader_epoch) {
    read.add(record, leader_epoch);
  }));
  if (read == written) return {};
  return fail(Errc::kCorrupt, parquet_path_ + " reads back differently from what was written");
}

Status PartitionWorker::commit_next(Spool::Reader& batches, RollReason reason) {
  PENSTOCK_TRY_ASSIGN(auto writer, ParquetWriter::begin(tools_.sql));
  PENSTOCK_TRY_ASSIGN(const Offset end, write_parquet(batches, writer));
  PENSTOCK_TRY(writer.finish(parquet_path_));
  PENSTOCK_TRY(pass(Step::kParquetWritten));
  PENSTOCK_TRY(read_back(writer.figures()));
  PENSTOCK_TRY(pass(Step::kParquetReadBack));
  PENSTOCK_TRY_ASSIGN(const ObjectStat file, hash_file(tools_.env, parquet_path_));
  const Manifest& manifest = archive_.manifest();
  const Timestamp now = tools_.clock.wall();
  const ChunkEntry chunk{.object = chunk_object_name(manifest.topic, manifest.partition, now, end),
                         .base = archive_.end(),
                         .end = end,
                         .records = writer.figures().records,
                         .min_timestamp = writer.figures().min_timestamp,
                         .max_timestamp = writer.figures().max_timestamp,
                         .hash_sum = writer.figures().hash_sum,
                         .size_bytes = file.size_bytes,
                         .object_hash = file.hash,
                         .closed_at = now};
  PENSTOCK_TRY(archive_.commit(chunk, parquet_path_));
  logger("archiver")
      .info("archived topic={} partition={} offsets=[{},{}) records={} bytes={} reason={}",
            manifest.topic, manifest.partition.value(), chunk.base.value(), chunk.end.value(),
            chunk.records, chunk.size_bytes, name(reason));
  return {};
}

Result<Archived> PartitionWorker::roll(RollReason reason) {
  Archived archived;
  if (chunk_.empty()) return archived;
  Spool::Reader batches(spool_);
  while (archive_.end() < chunk_.end()) {
    PENSTOCK_TRY(commit_next(batches, reason));
    ++archived.chunks;
    archived.records += archive_.manifest().chunks.back().records;
  }
  PENSTOCK_TRY(spool_.clear());
  chunk_ = OpenChunk(archive_.end());
  PENSTOCK_TRY(pass(Step::kSpoolCleared));
  return archived;
}

Status PartitionWorker::record_lost(Offset until) {
  PENSTOCK_TRY(archive_.record_lost(until, tools_.clock.wall()));
  chunk_ = OpenChunk(archive_.end());
  return {};
}

Status remove_work_files(Env& env, const std::string& work_dir) {
  PENSTOCK_TRY_ASSIGN(const auto files, env.list(work_dir));
  for (const FileInfo& file : files) {
    if (!file.is_dir && is_work_file(file.name)) {
      PENSTOCK_TRY(env.remove_file(work_dir + "/" + file.name));
    }
  }
  return {};
}

}  // namespace penstock::archiver
