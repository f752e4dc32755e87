#include "broker/producers/note_batches.h"

#include <algorithm>
#include <map>
#include <utility>

#include "protocol/record/batch.h"
#include "protocol/record/sequence.h"

namespace penstock::broker {

using record::BatchView;

Status note_batches(ProducerTable& table, ByteView batches) {
  for (ByteView rest = batches; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, BatchView::parse(rest));
    PENSTOCK_TRY_ASSIGN(const auto numbers, numbers_of(batch));
    table.appended({.base = batch.base_offset(),
                    .end = batch.end_offset(),
                    .numbers = numbers,
                    .broker_time = broker_time_of(batch)});
    rest = rest.subspan(batch.size());
  }
  return {};
}

Status note_log(ProducerTable& table, Offset log_start, Offset end, const ReadPiece& read) {
  if (log_start > table.end()) table.reset(log_start);
  for (Offset at = std::max(table.end(), log_start); at < end;) {
    PENSTOCK_TRY_ASSIGN(const LogPiece piece, read(at));
    PENSTOCK_TRY(note_batches(table, piece.batches.view()));
    if (piece.next <= at) return fail(Errc::kInternal, "reading a log does not get on");
    at = piece.next;
  }
  return {};
}

namespace {

// The table, as if the new batches of a part were in it.
class PartCheck {
 public:
  explicit PartCheck(const ProducerTable& table) : table_(table) {}

  Verdict check(const NumberedBatch& batch) {
    const auto found = ahead_.find(batch.producer);
    if (found == ahead_.end()) {
      const Verdict verdict = table_.check(batch);
      if (std::holds_alternative<NewBatch>(verdict)) ahead_[batch.producer] = span_of(batch);
      return verdict;
    }
    Span& span = found->second;
    if (batch.epoch == span.epoch && batch.first_sequence == span.next) {
      span.next = record::sequence_after(span.next, batch.records);
      return NewBatch{};
    }
    // Behind what is new itself; the table does not know of that.
    const std::int64_t behind = record::sequence_distance(batch.first_sequence, span.first);
    if (batch.epoch == span.epoch && behind >= batch.records &&
        behind <= record::kMaxSequenceDistance) {
      return table_.check(batch);
    }
    return RefusedBatch{
        .code = Errc::kOutOfOrderSequence, .epoch = span.epoch, .expected_sequence = span.next};
  }

 private:
  struct Span {
    std::int16_t epoch = 0;
    std::int32_t first = 0;
    std::int32_t next = 0;
  };
  static Span span_of(const NumberedBatch& batch) {
    return {batch.epoch, batch.first_sequence,
            record::sequence_after(batch.first_sequence, batch.records)};
  }

  const ProducerTable& table_;
  std::map<std::int64_t, Span> ahead_;
};

bool is_forgotten(const Verdict& verdict) {
  const auto* const refused = std::get_if<RefusedBatch>(&verdict);
  return refused != nullptr && refused->code == Errc::kDuplicateSequence;
}

}  // namespace

Result<PartVerdict> check_part(const ProducerTable& table, ByteView batches) {
  PartVerdict part;
  PartCheck trial(table);
  std::optional<Error> forgotten;
  for (ByteView rest = batches; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, BatchView::parse(rest));
    PENSTOCK_TRY_ASSIGN(const auto numbers, numbers_of(batch));
    rest = rest.subspan(batch.size());
    const Verdict verdict = numbers ? trial.check(*numbers) : Verdict(NewBatch{});
    if (const auto* const refused = std::get_if<RefusedBatch>(&verdict)) {
      Error error = refusal(*numbers, *refused);
      if (!is_forgotten(verdict)) return PartVerdict{.batches = {}, .refused = std::move(error)};
      if (!forgotten) forgotten = std::move(error);
    }
    part.batches.push_back(verdict);
  }
  if (!forgotten) return part;
  const bool all_there = part.fresh() == 0;
  part.batches.clear();
  part.refused = all_there ? *std::move(forgotten)
                           : Error(Errc::kOutOfOrderSequence,
                                   "some of these batches are in the log already, at offsets that "
                                   "are no longer known, and some are new: send one at a time (" +
                                       forgotten->message() + ")");
  return part;
}

std::size_t PartVerdict::fresh() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      batches, [](const Verdict& one) { return std::holds_alternative<NewBatch>(one); }));
}

std::optional<RepeatedBatch> PartVerdict::repeated_as_one() const {
  std::optional<RepeatedBatch> all;
  for (const Verdict& verdict : batches) {
    const auto* const one = std::get_if<RepeatedBatch>(&verdict);
    if (one == nullptr || (all && one->base != all->end)) return std::nullopt;
    if (!all) all = *one;
    all->end = one->end;
    all->committed = all->committed && one->committed;
  }
  return all;
}

}  // namespace penstock::broker
