#include "storage/cleaner.h"

#include <algorithm>
#include <utility>

#include "protocol/record/sequence.h"
#include "protocol/record/sparse_batch.h"
#include "storage/limits.h"

namespace penstock::storage {

struct Cleaner::Left {
  Bytes records;  // as they stood, if some went
  std::int32_t count = 0;
  Timestamp max_timestamp;
};

Cleaner::Cleaner(const CleanRules& rules, Sink sink) : rules_(rules), sink_(std::move(sink)) {}

bool Cleaner::is_needed(const record::BatchView& batch) {
  while (next_needed_ < rules_.needed.size() && rules_.needed[next_needed_] < batch.base_offset()) {
    ++next_needed_;
  }
  return next_needed_ < rules_.needed.size() && rules_.needed[next_needed_] < batch.end_offset();
}

bool Cleaner::stays(const record::RecordView& record) {
  if (!record.key || record.offset >= rules_.mapped_end) return true;
  const auto latest = rules_.latest.find(*record.key);
  if (latest && *latest > record.offset) {
    ++counts_.superseded;
    return false;
  }
  if (!record.value && record.offset < rules_.tombstones_below) {
    ++counts_.tombstones;
    return false;
  }
  return true;
}

// None: its records cannot be read, although the checksum is right; nobody knows their keys.
std::optional<Cleaner::Left> Cleaner::what_is_left(const record::BatchView& batch) {
  const CleanCounts before = counts_;
  const auto unreadable = [&]() -> std::optional<Left> {
    counts_ = before;
    ++counts_.unreadable;
    return std::nullopt;
  };
  auto records = record::Records::open(batch);
  if (!records) return unreadable();
  Left left;
  while (true) {
    const ByteView from = records->rest();
    const auto next = records->next();
    if (!next) return unreadable();
    if (!*next) break;
    const record::RecordView& found = **next;
    ++counts_.records;
    if (!stays(found)) continue;
    const ByteView bytes = from.first(from.size() - records->rest().size());
    left.records.insert(left.records.end(), bytes.begin(), bytes.end());
    left.max_timestamp =
        left.count == 0 ? found.timestamp : std::max(left.max_timestamp, found.timestamp);
    ++left.count;
  }
  return left;
}

Status Cleaner::add(const record::BatchView& batch) {
  // A batch that says more than what is known here may mean more than its records do.
  if (!record::is_plain(batch) || batch.base_offset() >= rules_.mapped_end) {
    return hand_out(batch);
  }
  if (batch.record_count() == 0) return take_empty(batch);
  const std::optional<Left> left = what_is_left(batch);
  if (!left || left->count == batch.record_count()) return hand_out(batch);
  if (left->count == 0) return take_empty(batch);
  PENSTOCK_TRY_ASSIGN(const Bytes thinned,
                      record::with_records(batch, left->records, left->count, left->max_timestamp));
  PENSTOCK_TRY_ASSIGN(const auto view, record::BatchView::parse(thinned));
  ++counts_.changes;
  return hand_out(view);
}

// Nothing is left of its records, or there were none.
Status Cleaner::take_empty(const record::BatchView& batch) {
  if (batch.producer_id() == record::kNoProducer || !is_needed(batch)) return join(batch);
  const Bytes emptied = record::without_records(batch);
  if (!equal(emptied, batch.bytes())) ++counts_.changes;
  PENSTOCK_TRY_ASSIGN(const auto view, record::BatchView::parse(emptied));
  return hand_out(view);
}

Status Cleaner::join(const record::BatchView& batch) {
  const Offset begin = batch.base_offset();
  const Offset end = batch.end_offset();
  const Term epoch = batch.leader_epoch();
  if (bare_ && bare_->epoch == epoch && begin != rules_.log_start &&
      end - bare_->begin <= kMaxSegmentOffsets) {
    ++counts_.changes;
    bare_->end = end;
    return {};
  }
  PENSTOCK_TRY(finish());
  if (!equal(batch.bytes(), record::bare_batch(begin, end, epoch))) ++counts_.changes;
  bare_ = Bare{begin, end, epoch};
  return {};
}

Status Cleaner::finish() {
  if (!bare_) return {};
  const Bare bare = *std::exchange(bare_, std::nullopt);
  const Bytes batch = record::bare_batch(bare.begin, bare.end, bare.epoch);
  PENSTOCK_TRY_ASSIGN(const auto view, record::BatchView::parse(batch));
  return sink_(view);
}

Status Cleaner::hand_out(const record::BatchView& batch) {
  PENSTOCK_TRY(finish());
  return sink_(batch);
}

}  // namespace penstock::storage
