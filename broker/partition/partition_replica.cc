// What the replica wants: messages, votes, disks, time; and what it tells: who leads, what is
// committed.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "broker/partition/partition.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("partition");
  return instance;
}

}  // namespace

// --- inputs

void Partition::start() {
  // An only voter asks for its own vote.
  replica_->tick();
  pump("start of ");
  if (services_.scrubs != nullptr) services_.scrubs->add(weak_from_this());
  list_for_compaction();
}

void Partition::receive(const PeerMessage& message) {
  if (closed_ || ended_) return;
  replica_->receive(message);
  pump("replication of ");
}

void Partition::tick_due(std::int64_t at_ms) {
  if (at_ms != tick_at_ms_) return;  // an earlier time was listed since
  tick_at_ms_ = 0;
  if (closed_ || ended_) return;
  if (replica_->next_deadline_ms() <= services_.ticks->now_ms()) replica_->tick();
  pump("replication of ");
}

Status Partition::change_membership(const std::vector<raft::NodeId>& voters,
                                    const std::vector<raft::NodeId>& learners) {
  PENSTOCK_TRY(check_ready());
  Status status = replica_->change_membership(voters, learners);
  pump("change of replicas of ");
  return status;
}

Status Partition::transfer_leadership(raft::NodeId to) {
  PENSTOCK_TRY(check_ready());
  Status status = replica_->transfer_leadership(to);
  pump("replication of ");
  return status;
}

void Partition::step_down() {
  if (closed_ || ended_) return;
  replica_->step_down();
  pump("replication of ");
}

// --- outputs

// Whoever is answered may call this partition again, and comes through here again: what was taken
// is carried out before anybody is answered.
void Partition::pump(const char* doing) {
  bool more = true;
  while (more) {
    ReplicaOutput output = replica_->take_output();
    more = follower_ && follower_(output);
    if (!carry_out(std::move(output), doing)) return;
  }
  tell_damage();
  answer_waiters();
  // Consumers that wait at a leader wait elsewhere once it is none.
  const bool stopped = std::exchange(was_ready_, replica_->is_ready()) && !was_ready_;
  if (seen_high_watermark_ == high_watermark() && !stopped) return;
  seen_high_watermark_ = high_watermark();
  wake_watchers();
}

bool Partition::carry_out(ReplicaOutput output, const char* doing) {
  if (services_.send) {
    for (PeerMessage& message : output.messages) services_.send(id_, std::move(message));
  }
  take_heard(output);
  if (output.save) save(*output.save);
  for (const std::uint64_t ticket : output.cold_reads) read_cold(ticket);
  if (output.was_reset) checkpointed_end_ = Offset(-1);
  if (output.truncated_to) checkpointed_end_ = std::min(checkpointed_end_, *output.truncated_to);
  if (!closed_) {
    if (output.wants_flush) ask_for_flush();
    list_for_checkpoint();
    list_for_tick();
  }
  if (output.fatal && !ended_) {
    ended(std::move(*output.fatal).context(doing + name_));
    return false;
  }
  if (output.fault && !ended_) {
    log().error("out of service: the log contradicts the cluster's partition={} fault={}", name_,
                *output.fault);
    ended_ = Error(Errc::kPartitionDamaged,
                   name_ + " is out of service on this broker: " + *output.fault);
  }
  if (output.role_changed) role_changed();
  return true;
}

void Partition::ended(Error error) {
  ended_ = std::move(error);
  services_.on_fatal(*ended_);
  fail_waiters(*ended_);
  fail_rounds(*ended_);
  wake_watchers();
}

void Partition::role_changed() {
  if (services_.leadership_changed) services_.leadership_changed();
  if (replica_->role() != raft::Role::kLeader) return;
  if (replica_->group().membership().everyone().size() == 1) return;  // no news: who else
  log().info("leads partition={} term={} committed={}", name_, replica_->term().value(),
             high_watermark().value());
}

void Partition::save(const raft::HardState& state) {
  ++work_under_way_;
  services_.votes->save({id_, state}, services_.shard, [self = shared_from_this(), state] {
    self->replica_->saved(state);
    // An only voter waits for nothing else.
    if (self->replica_->next_deadline_ms() <= self->services_.ticks->now_ms()) {
      self->replica_->tick();
    }
    self->pump("election of ");
    self->work_ended();
  });
}

void Partition::read_cold(std::uint64_t ticket) {
  ++work_under_way_;
  asio::post(services_.background, [self = shared_from_this(), ticket,
                                    work = replica_->take_cold_read(ticket)]() mutable {
    auto result = work.run();
    asio::post(self->services_.shard, [self, ticket, result = std::move(result)]() mutable {
      self->replica_->complete_cold_read(ticket, std::move(result));
      self->pump("replication of ");
      self->work_ended();
    });
  });
}

void Partition::list_for_tick() {
  const std::int64_t due_ms = replica_->next_deadline_ms();
  if (due_ms == std::numeric_limits<std::int64_t>::max()) return;
  const std::int64_t at_ms = services_.ticks->slot_of(due_ms);
  if (tick_at_ms_ != 0 && tick_at_ms_ <= at_ms) return;
  tick_at_ms_ = at_ms;
  services_.ticks->add(weak_from_this(), at_ms);
}

// --- flush

void Partition::ask_for_flush() {
  if (flush_asked_) return;
  flush_asked_ = true;
  ++work_under_way_;
  services_.flushes->add(shared_from_this());
}

storage::FlushTicket Partition::begin_flush() { return replica_->begin_flush(); }

void Partition::complete_flush(const storage::FlushTicket& ticket, const Status& status,
                               std::int64_t queued_ns, std::int64_t took_ns) {
  replica_->complete_flush(ticket, status);
  flush_asked_ = false;
  work_ended();
  if (status) services_.observer->flushed(queued_ns, took_ns);
  pump("flush of ");
}

// --- checkpoints

void Partition::list_for_checkpoint() {
  if (in_checkpoint_queue_ || !is_dirty()) return;
  in_checkpoint_queue_ = true;
  services_.checkpoints->add(shared_from_this());
}

bool Partition::wants_checkpoint() const { return !closed_ && replica_->wants_checkpoint(); }

ReplicaCheckpoint Partition::begin_checkpoint() {
  ++work_under_way_;
  checkpointed_end_ = replica_->durable_end();
  return replica_->begin_checkpoint();
}

void Partition::complete_checkpoint(const ReplicaCheckpoint& checkpoint, const Status& status,
                                    std::int64_t took_ns) {
  replica_->complete_checkpoint(checkpoint, status);
  work_ended();
  if (status) {
    services_.observer->checkpointed(took_ns);
  } else {
    // Unless it is fatal: recovery will scan more; nothing is lost.
    log().warn("checkpoint failed partition={} error={}", name_, status.error().to_string());
    checkpointed_end_ = Offset(-1);
  }
  pump("checkpoint of ");
}

// --- scrubbing

std::optional<storage::Log::FileRead> Partition::begin_scrub(std::uint64_t max_bytes) {
  if (!can_be_scrubbed()) return std::nullopt;
  auto work = replica_->begin_scrub(max_bytes);
  if (work) ++work_under_way_;
  return work;
}

void Partition::complete_scrub(const Result<storage::ReadResult>& result) {
  if (result) services_.observer->scrubbed(result->batches.size());
  if (!closed_) replica_->complete_scrub(result);
  pump("scrub of ");
  work_ended();
}

void Partition::tell_damage() {
  const auto& damage = replica_->log().damage();
  if (damage.size() != seen_damage_) {
    if (damage.size() > seen_damage_) {
      log().error("damaged records partition={} ranges={} offsets=[{},{}) reason={} repair={}",
                  name_, damage.size(), damage.back().begin.value(), damage.back().end.value(),
                  damage.back().reason, scrub_status().repair);
    } else if (damage.empty()) {
      log().info("all damaged records are whole again, or gone partition={}", name_);
    }
    seen_damage_ = damage.size();
    services_.observer->damage_changed(id_, seen_damage_);
  }
  const ScrubState& scrub = replica_->scrub();
  if (scrub.divergences == seen_divergences_) return;
  seen_divergences_ = scrub.divergences;
  log().error(
      "records differ from the leader's though both copies are valid partition={} offsets=[{},{}) "
      "leader={}",
      name_, scrub.divergent->begin.value(), scrub.divergent->end.value(),
      replica_->leader().value());
}

ScrubStatus Partition::scrub_status() const {
  const ScrubState& scrub = replica_->scrub();
  ScrubStatus status{.last_finished = scrub.finished_at,
                     .passes = scrub.passes,
                     .bytes = scrub.total_bytes,
                     .under_way = scrub.pass_bytes > 0,
                     .mended_runs = replica_->stats().mended_runs,
                     .divergences = scrub.divergences,
                     .repair = {}};
  if (replica_->log().damage().empty()) return status;
  const raft::NodeId leader = replica_->leader();
  if (replica_->group().membership().everyone().size() <= 1) {
    status.repair = "no other broker holds a copy";
  } else if (leader == raft::kNobody || leader == replica_->group().self()) {
    status.repair = "waits for a leader to fetch them from";
  } else {
    status.repair = "is fetched from broker " + std::to_string(leader.value());
  }
  return status;
}

}  // namespace penstock::broker
