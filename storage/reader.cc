#include "storage/reader.h"

#include <algorithm>
#include <string>

#include "protocol/record/sparse_batch.h"
#include "storage/limits.h"

namespace penstock::storage {

void Findings::report(Damaged damaged) {
  const std::scoped_lock lock(mutex_);
  if (found_.damage.size() < kMaxDamageRanges) found_.damage.push_back(std::move(damaged));
  any_.store(true, std::memory_order_release);
}

void Findings::report(Index index) {
  const std::scoped_lock lock(mutex_);
  // Two reads may have loaded the same one; the later is as good as the earlier.
  std::erase_if(found_.indexes, [&](const Index& other) { return other.base == index.base; });
  found_.indexes.push_back(std::move(index));
  any_.store(true, std::memory_order_release);
}

Findings::Batch Findings::take() {
  const std::scoped_lock lock(mutex_);
  any_.store(false, std::memory_order_release);
  return std::exchange(found_, {});
}

void select_runs(std::span<const Run> runs, std::uint32_t delta, std::uint64_t max_bytes,
                 std::vector<Run>& out) {
  auto run = runs.begin();
  if (out.empty()) {
    run = std::ranges::upper_bound(runs, delta, {}, &Run::base_delta);
    if (run == runs.begin()) return;
    --run;
    if (run->end_delta <= delta) return;
  }
  for (; run != runs.end(); ++run) {
    if (!out.empty()) {
      // A first run that begins before `delta` may be needed for its last batch only.
      const Run& first = out.front();
      const std::uint64_t counted =
          first.base_delta == delta ? first.position : first.end_position();
      const std::uint64_t chosen = out.back().end_position() - counted;
      const bool adjacent =
          run->position == out.back().end_position() && run->base_delta == out.back().end_delta;
      if (chosen >= max_bytes || !adjacent) return;
    }
    out.push_back(*run);
  }
}

namespace {

struct Collected {
  std::size_t begin = 0;  // in the buffer
  std::size_t end = 0;
  Offset next;
  std::uint32_t count = 0;
};

enum class Step { kMore, kEnough };

class Execution {
 public:
  Execution(const ReadPlan& plan, Wait wait) : plan_(plan), wait_(wait), runs_(plan.runs) {}

  Result<ReadResult> run() {
    if (plan_.load) PENSTOCK_TRY(load());
    if (runs_.empty()) {
      return damaged({plan_.offset, plan_.offset + 1, "no index entry leads to it"});
    }
    const std::uint64_t begin = runs_.front().position;
    MutableByteView into;
    const SharedBytes buffer = SharedBytes::allocate(runs_.back().end_position() - begin, into);
    PENSTOCK_TRY_ASSIGN(const std::size_t got, wait_ == Wait::kNever
                                                   ? plan_.file->read_cached_at(begin, into)
                                                   : plan_.file->read_at(begin, into));
    collected_.next = plan_.offset;
    for (const Run& run : runs_) {
      const std::size_t at = run.position - begin;
      const ByteView bytes =
          at < got ? buffer.view().subspan(at, std::min<std::size_t>(run.length, got - at))
                   : ByteView();
      PENSTOCK_TRY_ASSIGN(const Step step, collect(run, bytes, at));
      if (step == Step::kEnough) break;
    }
    if (collected_.count > 0) begin_at_offset(into.subspan(collected_.begin));
    return ReadResult{buffer.slice(collected_.begin, collected_.end - collected_.begin),
                      collected_.next, collected_.count};
  }

 private:
  Status load() {
    PENSTOCK_TRY_ASSIGN(LoadedIndex loaded, load_index(*plan_.load));
    const auto delta = static_cast<std::uint32_t>(plan_.offset - plan_.segment_base);
    select_runs(loaded.runs, delta, plan_.max_bytes, runs_);
    select_runs(plan_.behind_file, delta, plan_.max_bytes, runs_);
    if (was_cut()) return fail(Errc::kWouldBlock);
    plan_.findings->report(
        Findings::Index{plan_.cuts, plan_.segment_base, plan_.index_version, std::move(loaded)});
    return {};
  }

  // A batch of nothing but offsets begins where it is asked for. Whoever copies the log goes on
  // where a batch of his ends: here it may have been joined with others.
  void begin_at_offset(MutableByteView batches) const {
    const auto first = record::BatchView::parse(batches);
    if (first->base_offset() >= plan_.offset || !record::is_bare(*first)) return;
    const Bytes rest = record::bare_batch(plan_.offset, first->end_offset(), first->leader_epoch());
    std::ranges::copy(rest, batches.begin());
  }

  Result<Step> collect(const Run& run, ByteView bytes, std::size_t at) {
    const Offset begin = plan_.segment_base + run.base_delta;
    if (const Status headers = check_run_headers(run, plan_.segment_base, bytes); !headers) {
      return stop_at({begin, plan_.segment_base + run.end_delta, headers.error().message()});
    }
    while (!bytes.empty()) {
      const auto batch = record::BatchView::parse(bytes);
      const std::size_t size = batch->size();
      if (batch->end_offset() > plan_.offset) {
        if (batch->base_offset() >= plan_.limit) return Step::kEnough;
        if (collected_.count > 0 && collected_.end - collected_.begin + size > plan_.max_bytes) {
          return Step::kEnough;
        }
        if (const Status crc = batch->verify_crc(); !crc) {
          return stop_at({batch->base_offset(), batch->end_offset(), crc.error().message()});
        }
        if (collected_.count++ == 0) collected_.begin = at;
        collected_.end = at + size;
        collected_.next = batch->end_offset();
      }
      bytes = bytes.subspan(size);
      at += size;
    }
    return Step::kMore;
  }

  // Damage behind good batches ends the read; damage at its beginning fails it.
  Result<Step> stop_at(RecoveryReport::Damage damage) {
    if (collected_.count == 0) return damaged(std::move(damage));
    damage.reason = plan_.file->path() + ": " + damage.reason;
    plan_.findings->report(Findings::Damaged{plan_.cuts, std::move(damage)});
    return Step::kEnough;
  }

  std::unexpected<Error> damaged(RecoveryReport::Damage damage) {
    if (was_cut()) return fail(Errc::kWouldBlock);
    damage.reason = plan_.file->path() + ": " + damage.reason;
    Error error(Errc::kCorrupt, "offsets " + std::to_string(damage.begin.value()) + " to " +
                                    std::to_string(damage.end.value() - 1) + " in " +
                                    damage.reason);
    plan_.findings->report(Findings::Damaged{plan_.cuts, std::move(damage)});
    return std::unexpected(std::move(error));
  }

  // Then the bytes may be other ones by now, and prove nothing.
  bool was_cut() const { return plan_.cuts_now->load() != plan_.cuts; }

  const ReadPlan& plan_;
  const Wait wait_;
  std::vector<Run> runs_;
  Collected collected_;
};

}  // namespace

Result<ReadResult> execute(const ReadPlan& plan, Wait wait) {
  if (!plan.file) return ReadResult{{}, plan.offset, 0};  // at the end: nothing to read
  return Execution(plan, wait).run();
}

Result<std::vector<RecoveryReport::Damage>> damage_in_run(const File& file, Offset segment_base,
                                                          const Run& run) {
  std::vector<RecoveryReport::Damage> damage;
  Bytes bytes(run.length);
  PENSTOCK_TRY_ASSIGN(const std::size_t got, file.read_at(run.position, bytes));
  bytes.resize(got);
  if (const Status headers = check_run_headers(run, segment_base, bytes); !headers) {
    damage.push_back({segment_base + run.base_delta, segment_base + run.end_delta,
                      file.path() + ": " + headers.error().message()});
    return damage;
  }
  for (ByteView rest = bytes; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    if (const Status crc = batch.verify_crc(); !crc) {
      damage.push_back(
          {batch.base_offset(), batch.end_offset(), file.path() + ": " + crc.error().message()});
    }
    rest = rest.subspan(batch.size());
  }
  return damage;
}

Result<SharedBytes> read_run(const File& file, Offset segment_base, const Run& run) {
  MutableByteView into;
  const SharedBytes buffer = SharedBytes::allocate(run.length, into);
  PENSTOCK_TRY_ASSIGN(const std::size_t got, file.read_at(run.position, into));
  PENSTOCK_TRY(check_run_headers(run, segment_base, buffer.view().first(got)));
  for (ByteView rest = buffer.view(); !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    if (const Status crc = batch.verify_crc(); !crc) {
      return fail(Errc::kCorrupt, file.path() + ": " + crc.error().message());
    }
    rest = rest.subspan(batch.size());
  }
  return buffer;
}

}  // namespace penstock::storage
