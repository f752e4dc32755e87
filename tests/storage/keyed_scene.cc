#include "tests/storage/keyed_scene.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/record/batch.h"

namespace penstock::storage {
namespace {

constexpr int kKeys = 12;
constexpr int kProducers = 3;

std::string text(Offset offset) { return std::to_string(offset.value()); }

}  // namespace

KeyedScene::KeyedScene(std::uint64_t seed) : env(std::make_unique<fakes::FakeEnv>()), rng(seed) {
  identity.partition.topic.bytes[0] = std::byte{0x42};
  identity.partition.partition = PartitionId(3);
  options = LogOptions{.segment_bytes = 1500,
                       .retention_ms = std::nullopt,
                       .retention_bytes = std::nullopt,
                       .index_interval_bytes = 300};
  static_cast<void>(env->create_dirs("/data"));
  static_cast<void>(env->sync_dir("/"));
  begin_reader();
}

Status KeyedScene::open() {
  log.reset();
  PENSTOCK_TRY_ASSIGN(Log::Opened opened, Log::open(*env, clock, kKeyedDir, identity, options));
  log = std::move(opened.log);
  report = std::move(opened.report);
  return {};
}

void KeyedScene::crash(fakes::Survives survives) {
  log.reset();
  env->crash(survives, rng);
}

Status KeyedScene::close() {
  forget_pass();
  PENSTOCK_TRY(log->close());
  acknowledged = std::max(acknowledged, log->durable_end());
  log.reset();
  return {};
}

// --- what is done to the log

void KeyedScene::remember(ByteView batch) {
  const auto parsed = record::BatchView::parse(batch);
  const Offset base = parsed->base_offset();
  originals[base] = {Bytes(batch.begin(), batch.end()), parsed->end_offset(),
                     parsed->leader_epoch(), parsed->is_control()};
  if (parsed->is_control()) return;
  for (auto& [offset, record] : records_of(batch)) records[offset] = std::move(record);
}

Status KeyedScene::append(Bytes batch, Term epoch) {
  const auto info = log->append(batch, epoch);
  if (!info) return fail(info.error());
  remember(batch);
  return {};
}

Status KeyedScene::append_random() {
  clock.advance_ms(1);
  const std::int64_t back = rng.one_in(5) ? static_cast<std::int64_t>(rng.below(2000)) : 0;
  std::vector<KeyedRecord> batch;
  const auto count = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    KeyedRecord record;
    record.timestamp = Timestamp(clock.wall().ms() - back + static_cast<std::int64_t>(i));
    if (!rng.one_in(10)) record.key = "k" + std::to_string(rng.below(kKeys));
    if (!rng.one_in(6))
      record.value = std::string(rng.below(60), static_cast<char>('a' + rng.below(26)));
    batch.push_back(std::move(record));
  }
  record::BuilderOptions how;
  how.control = rng.one_in(25);
  if (rng.one_in(4)) how.codec = record::Codec::kLz4;
  if (!how.control && rng.one_in(4)) {
    how.producer_id = static_cast<std::int64_t>(rng.below(kProducers));
    how.producer_epoch = 1;
    how.base_sequence = static_cast<std::int32_t>(rng.below(1000));
  }
  const std::int32_t last = std::max(log->last_epoch().value(), 1);
  return append(keyed_batch(Offset(0), Term(0), batch, how), Term(last + (rng.one_in(15) ? 1 : 0)));
}

Status KeyedScene::flush() {
  PENSTOCK_TRY(log->flush());
  acknowledged = std::max(acknowledged, log->durable_end());
  return {};
}

Status KeyedScene::checkpoint() {
  const CheckpointTicket ticket = log->begin_checkpoint();
  const Status status = ticket.run();
  log->complete_checkpoint(ticket, status);
  return status;
}

Status KeyedScene::truncate_suffix(Offset from) {
  PENSTOCK_TRY(log->truncate_suffix(from));
  originals.erase(originals.lower_bound(from), originals.end());
  records.erase(records.lower_bound(from), records.end());
  if (reader_at_ > from) begin_reader();
  return {};
}

Status KeyedScene::truncate_prefix(Offset to) {
  may_start = std::max(may_start, to);
  PENSTOCK_TRY(log->truncate_prefix(to));
  must_start = std::max(must_start, to);
  return {};
}

Status KeyedScene::cut_at_damage(Offset from) {
  acknowledged = std::min(acknowledged, from);
  begin_reader();
  PENSTOCK_TRY(log->truncate_suffix(from));
  // What comes again, tombstones among it, waits for passes that are to come.
  for (CompactionMark& mark : passes) mark.end = std::min(mark.end, from);
  originals.erase(originals.lower_bound(std::max(known_end, from)), originals.end());
  records.erase(records.lower_bound(std::max(known_end, from)), records.end());
  return refill();
}

Status KeyedScene::refill() {
  while (log->log_end() < known_end) {
    const auto next = originals.find(log->log_end());
    if (next == originals.end()) return fail(Errc::kCorrupt, "no batch began at the log's end");
    PENSTOCK_TRY(log->append_assigned(next->second.batch));
  }
  return flush();
}

// --- passes

std::vector<Offset> KeyedScene::last_batches_of_producers(Offset limit) const {
  std::map<std::int64_t, Offset> last;
  for (const auto& [base, original] : originals) {
    const auto batch = record::BatchView::parse(original.batch);
    if (base < limit && batch->producer_id() >= 0) last[batch->producer_id()] = base;
  }
  std::vector<Offset> all;
  for (const auto& [producer, base] : last) all.push_back(base);
  std::ranges::sort(all);
  return all;
}

CompactionRequest KeyedScene::request() const {
  return {.limit = acknowledged,
          .tombstones_below = kNoLimit,
          .needed = last_batches_of_producers(acknowledged),
          .tombstone_delay_ms = kTombstoneDelayMs};
}

Status KeyedScene::begin_pass(const CompactionRequest& request) {
  PENSTOCK_TRY_ASSIGN(ticket_, log->begin_compaction(request));
  run_status_.reset();
  needed_ = request.needed;
  if (ticket_) known_end = std::max(known_end, std::min(request.limit, log->durable_end()));
  return {};
}

void KeyedScene::forget_pass() {
  ticket_.reset();
  run_status_.reset();
}

void KeyedScene::note_progress(CompactionProgress progress) {
  if (progress == CompactionProgress::kStale) ++passes_stale;
  if (progress != CompactionProgress::kDone) return;
  ++passes_done;
  const CompactionFigures& of = ticket_->figures();
  figures.records_superseded += of.records_superseded;
  figures.tombstones_removed += of.tombstones_removed;
  figures.segments_replaced += of.segments_replaced;
  figures.bytes_freed += of.bytes_freed;
  passes.push_back({log->compaction().clean_end, clock.wall()});
}

Result<CompactionProgress> KeyedScene::complete_pass() {
  auto progress = log->complete_compaction(*ticket_, *std::exchange(run_status_, std::nullopt));
  if (progress) note_progress(*progress);
  if (!progress || *progress != CompactionProgress::kMore) ticket_.reset();
  return progress;
}

Result<CompactionProgress> KeyedScene::compact(const CompactionRequest& request) {
  PENSTOCK_TRY(begin_pass(request));
  if (!ticket_) return fail(Errc::kInvalidArgument, "there is nothing to do");
  while (true) {
    run_pass();
    PENSTOCK_TRY_ASSIGN(const CompactionProgress progress, complete_pass());
    if (progress != CompactionProgress::kMore) return progress;
  }
}

// --- reading

void KeyedScene::begin_reader() {
  reader_at_ = Offset(-1);
  reader_state_.clear();
  reader_began_ms_ = clock.wall().ms();
}

Result<KeyedScene::Seen> KeyedScene::see() {
  Seen seen;
  Offset at = log->log_start();
  while (at < log->log_end()) {
    PENSTOCK_TRY_ASSIGN(const ReadResult read, log->read(at, 700, ReadUpTo::kEnd));
    if (read.batch_count == 0) return fail(Errc::kCorrupt, "a read stands still at " + text(at));
    for (ByteView rest = read.batches.view(); !rest.empty();) {
      const auto batch = record::BatchView::parse(rest);
      const ByteView bytes = batch->bytes();
      seen.batches.emplace_back(batch->base_offset(), Bytes(bytes.begin(), bytes.end()));
      if (!batch->is_control()) {
        for (auto& [offset, record] : records_of(bytes)) seen.records[offset] = std::move(record);
      }
      rest = rest.subspan(batch->size());
    }
    at = read.next;
  }
  return seen;
}

std::vector<Offset> KeyedScene::boundaries() const {
  std::vector<Offset> all;
  Offset at = log->log_start();
  while (at < log->log_end()) {
    const auto read = log->read(at, 1, ReadUpTo::kEnd);
    if (!read) break;
    const Offset base = record::BatchView::parse(read->batches.view())->base_offset();
    if (base >= log->log_start()) all.push_back(base);
    at = read->next;
  }
  all.push_back(log->log_end());
  return all;
}

std::string KeyedScene::shown() const {
  std::string out;
  Offset at = log->log_start();
  while (at < log->log_end()) {
    const auto read = log->read(at, 1 << 20, ReadUpTo::kEnd);
    if (!read) return out + read.error().to_string();
    out += show(read->batches.view());
    at = read->next;
  }
  return out;
}

void KeyedScene::accept_end() {
  const Offset end = std::max(log->log_end(), known_end);
  originals.erase(originals.lower_bound(end), originals.end());
  records.erase(records.lower_bound(end), records.end());
  must_start = may_start = log->log_start();
  acknowledged = log->durable_end();
  begin_reader();
}

}  // namespace penstock::storage
