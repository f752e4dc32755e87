// What is known of the producers that write to this log.
//
// The table follows the log where the log changes (ReplicaProducers); here it is made, asked, and
// told the time.
#include <algorithm>

#include "broker/host/control_batch.h"
#include "broker/host/limits.h"
#include "broker/host/replica_parts.h"

namespace penstock::broker {

Status Replica::State::make_producers() {
  using enum ReplicaProducers::Damage;
  const Offset known = group ? group->committed() : std::min(memory.committed, log->log_end());
  return producers->make(*log, known, has_always_been_alone() ? kIsSteppedOver : kWaits);
}

void Replica::State::look_for_producers() {
  const bool is_due = !ended && producers->table() == nullptr && log->damage().empty() &&
                      now_ms() >= make_producers_ms;
  if (!is_due) return;
  make_producers_ms = now_ms() + kProducerRetryMs;
  static_cast<void>(keep_going(make_producers()));
}

// Forgetting goes by the time that stands in the log, and a log to which nobody writes stands
// still. The next one only when this one is committed: until then the table does not know of it.
void Replica::State::tell_time() {
  const bool leads = !ended && group->is_ready() && producers && producers->is_level_with(*log);
  if (!leads || group->committed() < time_told_at) return;
  const CommittedProducers& known = producers->table()->producers();
  if (!known.wants_time(clock.wall())) return;
  // A log that was never told the time (one replica's, which no election opens) can wait for it:
  // its records then have offsets without gaps for as long as most tests and trials take.
  const bool may_wait = known.log_time() < Timestamp(0) && known.size() < kMaxProducersPerPartition;
  if (may_wait && now_ms() < opened_ms + kProducerExpiryMs / kTimeMarksPerExpiry) return;
  Bytes batch = make_time_mark(clock.wall());
  if (!has_room_for(batch.size())) return;
  const Term term = group->term();
  const auto appended = log->append(batch, term);
  if (!appended) {
    static_cast<void>(keep_going(fail(appended.error())));
    return;
  }
  const Offset begin = appended->base_offset;
  time_told_at = begin + 1;
  producers->appended(batch);
  const Status told =
      group->appended({begin, begin + 1, {{term, begin}}, {}, batch.size()}, now_ms());
  if (!told) return die(told.error());
  carry_out();
}

Result<PartVerdict> Replica::check_producers(ByteView batches) {
  State& s = *state_;
  if (s.ended) return fail(Errc::kNotLeader);
  if (!s.producers) return fail(Errc::kInvalidBatch, "nobody numbers what is written here");
  if (!s.producers->is_level_with(*s.log)) {
    // A snapshot that goes further than a leader's log is of another life of this partition.
    using enum ReplicaProducers::Damage;
    const bool is_ahead =
        s.producers->table() != nullptr && s.producers->table()->end() > s.log->log_end();
    const auto damage = s.has_always_been_alone() ? kIsSteppedOver : kWaits;
    const Status made = is_ahead ? s.producers->make_anew(*s.log, s.group->committed(), damage)
                                 : s.producers->make(*s.log, s.group->committed(), damage);
    if (!s.keep_going(made)) return std::unexpected(made.error());
    if (!s.producers->is_level_with(*s.log)) {
      return fail(Errc::kNotReady, "what producers have written here cannot be read at the moment");
    }
  }
  s.tell_time();
  return check_part(*s.producers->table(), batches);
}

const ProducerTable* Replica::producers() const {
  return state_->producers ? state_->producers->table() : nullptr;
}

}  // namespace penstock::broker
