#include "broker/producers/committed_producers.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "base/assert.h"
#include "protocol/record/sequence.h"

namespace penstock::broker {

using record::sequence_after;
using record::sequence_distance;

std::int32_t KnownProducer::next_sequence() const {
  return sequence_after(runs.back().first_sequence, runs.back().records);
}

std::optional<Offset> KnownProducer::find(std::int32_t first_sequence, std::int32_t records) const {
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    const std::int64_t behind = sequence_distance(run->first_sequence, first_sequence);
    if (behind + records <= run->records) return run->base + behind;
  }
  return std::nullopt;
}

CommittedProducers::CommittedProducers(ProducerTableOptions options) : options_(options) {
  PENSTOCK_ASSERT(options_.max_producers >= 1 && options_.expiry_ms >= 1, "limits are positive");
  options_.max_producers = std::min(options_.max_producers, kMaxProducersPerPartition);
}

const KnownProducer* CommittedProducers::find(std::int64_t producer) const {
  const auto found = by_id_.find(producer);
  return found == by_id_.end() ? nullptr : &*found->second;
}

void CommittedProducers::apply(const PlacedBatch& batch) {
  if (batch.broker_time) pass_time(*batch.broker_time);
  if (batch.numbers) note(batch.numbers->producer, *batch.numbers, batch.base);
}

bool CommittedProducers::would_expire(Timestamp now) const {
  if (producers_.empty() || producers_.front().active_at < Timestamp(0)) return false;
  return now.ms() - producers_.front().active_at.ms() > options_.expiry_ms;
}

bool CommittedProducers::wants_time(Timestamp now) const {
  if (producers_.empty()) return false;
  const bool is_untold = producers_.back().active_at < Timestamp(0);
  const bool is_full = producers_.size() >= options_.max_producers;
  const std::int64_t silence = log_time_ < Timestamp(0) ? std::numeric_limits<std::int64_t>::max()
                                                        : now.ms() - log_time_.ms();
  return would_expire(now) || (is_untold && silence > options_.expiry_ms / kTimeMarksPerExpiry) ||
         (is_full && silence > options_.min_silence_ms / 2);
}

bool CommittedProducers::has_room_for(std::size_t newcomers) const {
  if (producers_.size() + newcomers <= options_.max_producers) return true;
  const std::size_t leaving = producers_.size() + newcomers - options_.max_producers;
  if (leaving > producers_.size()) return false;
  const Timestamp last =
      std::next(producers_.begin(), static_cast<std::ptrdiff_t>(leaving - 1))->active_at;
  return last >= Timestamp(0) && log_time_.ms() - last.ms() >= options_.min_silence_ms;
}

// Never backwards: a broker whose clock is late forgets nobody, and brings nobody back.
void CommittedProducers::pass_time(Timestamp at) {
  log_time_ = std::max(log_time_, at);
  for (auto it = producers_.rbegin(); it != producers_.rend() && it->active_at < Timestamp(0);
       ++it) {
    it->active_at = log_time_;
  }
  while (would_expire(log_time_)) {
    forget_oldest();
    ++expired_;
  }
}

void CommittedProducers::note(std::int64_t id, const NumberedBatch& numbers, Offset base) {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    producers_.push_back({.id = id, .epoch = numbers.epoch, .active_at = {}, .runs = {}});
    found = by_id_.emplace(id, std::prev(producers_.end())).first;
  }
  KnownProducer& producer = *found->second;
  if (numbers.epoch < producer.epoch) return;  // no leader takes one; it does not reopen its epoch
  std::vector<ProducerRun>& runs = producer.runs;
  if (numbers.epoch > producer.epoch) runs.clear();
  producer.epoch = numbers.epoch;
  producer.active_at = Timestamp();  // until the log tells one
  producers_.splice(producers_.end(), producers_, found->second);

  const ProducerRun run{numbers.first_sequence, numbers.records, base};
  const bool follows = !runs.empty() && producer.next_sequence() == run.first_sequence;
  // Compaction leaves gaps. Backwards goes only who was forgotten by a leader and began anew.
  if (!runs.empty() && !follows &&
      sequence_distance(producer.next_sequence(), run.first_sequence) >=
          record::kMaxSequenceDistance) {
    runs.clear();
  }
  if (follows && runs.back().end() == base &&
      std::int64_t{runs.back().records} + run.records <= kMaxRunRecords) {
    runs.back().records += run.records;
  } else {
    if (runs.size() == kMaxRememberedRuns) runs.erase(runs.begin());
    runs.push_back(run);
  }
  if (producers_.size() > options_.max_producers) {
    forget_oldest();
    ++evicted_;
  }
}

void CommittedProducers::forget_oldest() {
  by_id_.erase(producers_.front().id);
  producers_.pop_front();
}

namespace {

std::unexpected<Error> impossible(const char* why) {
  return fail(Errc::kCorrupt, std::string("producer snapshot: ") + why);
}

bool is_possible(const ProducerRun& run) {
  return run.first_sequence >= 0 && run.records >= 1 && run.records <= kMaxRunRecords &&
         run.base >= Offset(0) && run.base < Offset(std::int64_t{1} << 62);
}

}  // namespace

Result<CommittedProducers> CommittedProducers::restore(ProducerTableOptions options,
                                                       std::list<KnownProducer> producers,
                                                       Timestamp log_time) {
  CommittedProducers restored(options);
  Timestamp before(0);
  Offset last_end;
  for (const KnownProducer& one : producers) {
    if (one.id < 0 || one.epoch < 0) return impossible("a producer without number or epoch");
    if (one.runs.empty() || one.runs.size() > kMaxRememberedRuns) {
      return impossible("a producer with no batch or too many");
    }
    Offset end;
    for (const ProducerRun& run : one.runs) {
      if (!is_possible(run) || run.base < end) return impossible("batches that cannot be there");
      end = run.end();
    }
    // Those of which no time is told yet come last.
    const Timestamp active_at = one.active_at < Timestamp(0)
                                    ? Timestamp(std::numeric_limits<std::int64_t>::max())
                                    : one.active_at;
    const bool is_later = one.active_at > log_time || one.active_at < Timestamp();
    if (end <= last_end || active_at < before || is_later) {
      return impossible("producers that are out of order");
    }
    last_end = end;
    before = active_at;
  }
  restored.producers_ = std::move(producers);
  restored.log_time_ = log_time;
  for (auto it = restored.producers_.begin(); it != restored.producers_.end(); ++it) {
    if (!restored.by_id_.emplace(it->id, it).second) return impossible("a producer twice");
  }
  while (restored.size() > restored.options_.max_producers) restored.forget_oldest();
  return restored;
}

}  // namespace penstock::broker
