// Key compaction as CompactionQueue drives it.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/partition/limits.h"
#include "broker/partition/partition.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("partition");
  return instance;
}

}  // namespace

void Partition::follow_compaction_rules() {
  std::optional<std::int64_t> delay_ms;
  if (rules_.compaction) delay_ms = rules_.compaction->tombstone_delay_ms;
  replica_->keep_tombstones(delay_ms);
}

void Partition::list_for_compaction() {
  if (in_compaction_queue_ || services_.compactions == nullptr || !is_compacted()) return;
  in_compaction_queue_ = true;
  services_.compactions->add(weak_from_this());
}

// For what the log knows besides its records: without one, a pass that is over was not.
void Partition::need_checkpoint() {
  checkpointed_end_ = Offset(-1);
  list_for_checkpoint();
}

CompactionBacklog Partition::compaction_backlog() const {
  const std::int64_t delay_ms = rules_.compaction ? rules_.compaction->tombstone_delay_ms : 0;
  const storage::Log& log = replica_->log();
  return backlog_of(log, std::min(replica_->settled_by_all(), log.settled_end(delay_ms)),
                    services_.clock->wall());
}

std::optional<double> Partition::prepare_compaction() {
  if (!is_compacted() || (follower_ && !compaction_limit_)) return std::nullopt;
  if (services_.clock->steady_ns() / 1'000'000 < no_compaction_before_ms_) return std::nullopt;
  const CompactionBacklog backlog = compaction_backlog();
  const CompactionStep step = next_step(*rules_.compaction, backlog);
  if (step == CompactionStep::kPass) return backlog.dirty_share();
  if (step == CompactionStep::kSeal) {
    if (const Status sealed = replica_->seal(); !sealed) {
      log().warn("cannot begin a new file, for compaction partition={} error={}", name_,
                 sealed.error().to_string());
      delay_compaction(kCompactionFailurePeriod);
    }
    need_checkpoint();
    pump("compaction of ");
  }
  return std::nullopt;
}

void Partition::delay_compaction(std::chrono::milliseconds time) {
  no_compaction_before_ms_ = services_.clock->steady_ns() / 1'000'000 + time.count();
}

std::optional<storage::CompactionTicket> Partition::begin_compaction(std::size_t map_bytes,
                                                                     std::uint64_t hash_seed) {
  auto begun = replica_->begin_compaction(
      {.limit = compaction_limit_ ? compaction_limit_() : storage::kNoLimit,
       .min_lag_ms = rules_.compaction ? rules_.compaction->min_lag_ms : 0,
       .map_bytes = map_bytes,
       .hash_seed = hash_seed});
  if (!begun) {
    services_.observer->compaction_failed();
    log().warn("not compacted partition={} error={}", name_, begun.error().to_string());
  }
  const bool is_begun = begun && *begun;
  if (!is_begun) delay_compaction(begun ? kCompactionRetryPeriod : kCompactionFailurePeriod);
  pump("compaction of ");
  return is_begun ? *begun : std::nullopt;
}

bool Partition::resume_compaction() {
  if (closed_ || ended_) return false;
  ++work_under_way_;
  return true;
}

bool Partition::complete_compaction(const storage::CompactionTicket& ticket, const Status& status) {
  const auto progress = replica_->complete_compaction(ticket, status);
  const bool goes_on = progress && *progress == storage::CompactionProgress::kMore;
  if (!goes_on) {
    const storage::CompactionFigures& figures = ticket.figures();
    const bool is_done = progress && *progress == storage::CompactionProgress::kDone;
    services_.observer->compacted(figures);
    if (!is_done) {
      services_.observer->compaction_failed();
      delay_compaction(progress ? kCompactionRetryPeriod : kCompactionFailurePeriod);
    }
    if (!progress) {
      log().warn("compaction ended early partition={} error={}", name_,
                 progress.error().to_string());
    } else if (figures.records_superseded + figures.tombstones_removed > 0) {
      log().info("compacted partition={} superseded={} tombstones={} bytes_freed={} clean_end={}",
                 name_, figures.records_superseded, figures.tombstones_removed, figures.bytes_freed,
                 replica_->log().compaction().clean_end.value());
    }
    need_checkpoint();
  }
  pump("compaction of ");
  work_ended();
  return goes_on;
}

}  // namespace penstock::broker
