#include "storage/dump.h"

#include <algorithm>
#include <map>

#include "protocol/record/codec.h"
#include "storage/checkpoint.h"
#include "storage/limits.h"
#include "storage/reader.h"
#include "storage/run.h"
#include "storage/scan.h"
#include "storage/segment_index.h"
#include "storage/segment_name.h"

namespace penstock::storage {
namespace {

template <typename T>
std::string number(T value) {
  return std::to_string(value);
}
std::string number(Offset offset) { return std::to_string(offset.value()); }
std::string number(Timestamp at) { return std::to_string(at.ms()); }
std::string number(Term term) { return std::to_string(term.value()); }

template <typename T>
std::string field(std::string_view name, T value) {
  return " " + std::string(name) + "=" + number(value);
}
std::string range(Offset begin, Offset end) {
  return " offsets=" + number(begin) + ".." + number(end - 1);
}

class Dump {
 public:
  Dump(Env& env, const std::string& dir, const DumpOptions& options, const DumpSink& sink)
      : env_(env), dir_(dir), options_(options), sink_(sink) {}

  Result<DumpReport> run() {
    PENSTOCK_TRY_ASSIGN(const auto entries, env_.list(dir_));
    std::map<Offset, bool> segments;  // base: has a .log
    for (const FileInfo& entry : entries) {
      const auto name = parse_segment_name(entry.name);
      if (name) segments[name->base] |= name->kind == SegmentFile::kLog;
      if (!name && !is_beside_segments(entry.name)) sink_("note: unknown file " + entry.name);
    }
    PENSTOCK_TRY(checkpoint());
    for (auto segment = segments.begin(); segment != segments.end(); ++segment) {
      const auto next = std::next(segment);
      std::optional<Offset> next_base;
      if (next != segments.end()) next_base = next->first;
      if (!segment->second) {
        problem("  ", segment_file_name(segment->first, SegmentFile::kLog) + " is missing");
        ++report_.damaged;
        continue;
      }
      PENSTOCK_TRY(this->segment(segment->first, next_base));
    }
    check_start(segments);
    return report_;
  }

 private:
  void problem(std::string_view indent, const std::string& what) {
    sink_(std::string(indent) + "PROBLEM " + what);
  }
  bool wanted(Offset begin, Offset end) const {
    return (!options_.from || end > *options_.from) && (!options_.to || begin < *options_.to);
  }
  // Everything below was vouched for by the checkpoint.
  bool below_watermark(Offset offset) const {
    return newest_ && offset < newest_->checkpoint.point.end();
  }

  Status checkpoint();
  void check_start(const std::map<Offset, bool>& segments);
  Status segment(Offset base, std::optional<Offset> next_base);
  Result<IndexContents> side_file(Offset base, std::optional<Offset> next_base);
  Status check_runs(const File& file, Offset base, const IndexContents& index);
  Result<ScanStop> batches(const File& file, Offset base);
  Status behind_batches(const File& file, Offset base, const ScanStop& stop,
                        std::optional<Offset> next_base);
  void batch_line(const record::BatchView& batch, std::uint64_t position);

  Env& env_;
  const std::string& dir_;
  const DumpOptions& options_;
  const DumpSink& sink_;
  std::optional<NewestSlot> newest_;
  Term epoch_;
  DumpReport report_;
};

Status Dump::checkpoint() {
  const std::string path = dir_ + "/" + std::string(kCheckpointName);
  const auto file = env_.read_file(path, kCheckpointFileBytes);
  if (!file && file.error().code() != Errc::kNotFound && file.error().code() != Errc::kCorrupt) {
    return fail(file.error());
  }
  if (file) newest_ = newest_slot(*file);
  if (!newest_) {
    sink_("checkpoint none");
    return {};
  }
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    const std::size_t at = slot * kSlotStride;
    const auto found =
        at < file->size() ? decode_checkpoint(ByteView(*file).subspan(at)) : std::nullopt;
    if (!found) {
      const auto bytes = ByteView(*file).subspan(std::min(at, file->size()));
      const bool unused = std::ranges::all_of(bytes.first(std::min(bytes.size(), kSlotBytes)),
                                              [](std::byte b) { return b == std::byte{0}; });
      sink_("checkpoint slot=" + number(slot) + (unused ? " unused" : " invalid"));
      continue;
    }
    const Checkpoint& checkpoint = *found;
    sink_("checkpoint slot=" + number(slot) + field("sequence", checkpoint.sequence) +
          " topic=" + checkpoint.identity.partition.topic.to_string() +
          field("partition", checkpoint.identity.partition.partition.value()) +
          field("log_start", checkpoint.log_start) + field("start_term", checkpoint.start_term) +
          field("durable_end", checkpoint.point.end()) +
          field("segment", checkpoint.point.segment_base) +
          field("position", checkpoint.point.position()) +
          field("epoch", checkpoint.point.epoch()) +
          field("index_entries", checkpoint.index_entries) + (checkpoint.clean ? " clean" : "") +
          (checkpoint.cut ? " cut" : "") + (slot == newest_->slot ? " newest" : ""));
  }
  return {};
}

void Dump::check_start(const std::map<Offset, bool>& segments) {
  if (!newest_) return;
  const Checkpoint& checkpoint = newest_->checkpoint;
  const bool has_active = segments.contains(checkpoint.point.segment_base);
  if (!has_active && checkpoint.point.position() > 0) {
    problem("  ", segment_file_name(checkpoint.point.segment_base, SegmentFile::kLog) +
                      " is missing, and the checkpoint stands in it");
    ++report_.damaged;
  }
  if (!segments.empty() && checkpoint.log_start < segments.begin()->first) {
    problem("  ", "the log starts at " + number(checkpoint.log_start) + ", the first segment at " +
                      number(segments.begin()->first));
    ++report_.damaged;
  }
}

Status Dump::segment(Offset base, std::optional<Offset> next_base) {
  PENSTOCK_TRY_ASSIGN(
      const auto file,
      env_.open(dir_ + "/" + segment_file_name(base, SegmentFile::kLog), OpenMode::kRead));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes, file->size());
  ++report_.segments;
  sink_("segment" + field("base", base) + field("file_bytes", bytes));
  PENSTOCK_TRY_ASSIGN(const IndexContents index, side_file(base, next_base));
  PENSTOCK_TRY(check_runs(*file, base, index));
  PENSTOCK_TRY_ASSIGN(const ScanStop stop, batches(*file, base));
  return behind_batches(*file, base, stop, next_base);
}

Result<IndexContents> Dump::side_file(Offset base, std::optional<Offset> next_base) {
  const std::string name = segment_file_name(base, SegmentFile::kIndex);
  const auto file = env_.read_file(dir_ + "/" + name, kMaxIndexBytes);
  if (!file && file.error().code() == Errc::kIoError) return fail(file.error());
  const IndexContents index = file ? decode_index(*file) : IndexContents();
  // Below the watermark a side file was synced; beyond it, it may not be there yet.
  const bool complete = newest_ && base < newest_->checkpoint.point.segment_base;
  const bool vouched = newest_ && base == newest_->checkpoint.point.segment_base &&
                       newest_->checkpoint.index_entries > index.runs.size();
  if ((complete && (!index.header || !index.seal)) || vouched) {
    problem("  ", name + (index.header ? " is not complete" : " has no valid header"));
    ++report_.bad_side_files;
  }
  if (index.header) {
    sink_("  index" + field("entries", index.runs.size()) +
          " topic=" + index.header->identity.partition.topic.to_string() +
          field("partition", index.header->identity.partition.partition.value()) +
          field("created_ms", index.header->created));
    if (newest_ && index.header->identity.partition != newest_->checkpoint.identity.partition) {
      problem("  ", name + " belongs to another partition");
      ++report_.bad_side_files;
    }
  }
  if (index.seal && next_base && base + index.seal->end_delta != *next_base) {
    problem("  ", name + " ends at " + number(base + index.seal->end_delta) +
                      ", but the next segment begins at " + number(*next_base));
    ++report_.damaged;
  }
  return index;
}

Status Dump::check_runs(const File& file, Offset base, const IndexContents& index) {
  for (const Run& run : index.runs) {
    ++report_.index_entries;
    const Offset begin = base + run.base_delta;
    const Offset end = base + run.end_delta;
    if (options_.detail != DumpDetail::kSummary && wanted(begin, end)) {
      sink_("  run" + range(begin, end) + field("position", run.position) +
            field("bytes", run.length) + field("batches", run.batch_count) +
            field("epoch", run.last_epoch) + field("max_timestamp", run.max_timestamp_ms) +
            field("header_crc", run.header_crc) + field("digest", run.digest));
    }
    if (newest_ && end <= newest_->checkpoint.log_start) continue;
    PENSTOCK_TRY_ASSIGN(const auto damage, damage_in_run(file, base, run));
    for (const auto& found : damage) {
      problem("  ", "damaged" + range(found.begin, found.end) + ": " + found.reason);
      ++report_.damaged;
    }
  }
  if (index.seal && options_.detail != DumpDetail::kSummary) {
    sink_("  seal" + field("end", base + index.seal->end_delta) +
          field("bytes", index.seal->position) + field("digest", index.seal->digest));
  }
  return {};
}

void Dump::batch_line(const record::BatchView& batch, std::uint64_t position) {
  ++report_.batches;
  report_.records += static_cast<std::uint64_t>(batch.record_count());
  report_.bytes += batch.size();
  if (options_.detail != DumpDetail::kBatches || !wanted(batch.base_offset(), batch.end_offset())) {
    return;
  }
  sink_("  batch" + range(batch.base_offset(), batch.end_offset()) + field("position", position) +
        field("bytes", batch.size()) + field("records", batch.record_count()) +
        field("epoch", batch.leader_epoch()) + field("base_timestamp", batch.base_timestamp()) +
        field("max_timestamp", batch.max_timestamp()) +
        " codec=" + std::string(record::name(batch.codec())) + field("crc", batch.crc()) +
        (batch.is_control() ? " control" : ""));
}

Result<ScanStop> Dump::batches(const File& file, Offset base) {
  std::uint64_t position = 0;
  PENSTOCK_TRY_ASSIGN(const ScanStop stop, scan_batches(file, ScanFrom{0, base, epoch_},
                                                        kMaxSegmentBytes + kMaxAppendBytes,
                                                        [&](const record::BatchView& batch) {
                                                          batch_line(batch, position);
                                                          position += batch.size();
                                                        }));
  epoch_ = stop.epoch;
  return stop;
}

// What stands behind the last batch that counts: zeros, a torn tail, or damage.
Status Dump::behind_batches(const File& file, Offset base, const ScanStop& stop,
                            std::optional<Offset> next_base) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t bytes_end, end_of_bytes(file, stop.position));
  const bool short_of_next = next_base && stop.end < *next_base;
  const bool short_of_watermark =
      below_watermark(stop.end) && newest_->checkpoint.point.segment_base == base;
  sink_("  end" + field("offset", stop.end) + field("position", stop.position) +
        (stop.reason.empty() ? "" : " stopped: " + stop.reason));
  if (short_of_watermark || (short_of_next && (below_watermark(stop.end) || !newest_))) {
    problem("  ",
            "damaged" +
                range(stop.end, short_of_watermark ? newest_->checkpoint.point.end() : *next_base) +
                ": " + (stop.reason.empty() ? "missing" : stop.reason));
    ++report_.damaged;
    epoch_ = Term();
    return {};
  }
  if (bytes_end > stop.position) {
    report_.torn_bytes += bytes_end - stop.position;
    sink_("  tail" + field("torn_bytes", bytes_end - stop.position) +
          " (never acknowledged, or being written)");
  }
  return {};
}

}  // namespace

Result<DumpReport> dump_log(Env& env, const std::string& dir, const DumpOptions& options,
                            const DumpSink& sink) {
  return Dump(env, dir, options, sink).run();
}

}  // namespace penstock::storage
