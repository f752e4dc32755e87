// Applying what is committed; snapshots; opening. Commands: state_host_commands.cc.
#include "broker/host/state_host.h"

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "base/mutant.h"
#include "protocol/record/batch.h"
#include "protocol/record/record.h"

namespace penstock::broker {

StateHost::StateHost(const Clock& clock, Replica& replica, StateSnapshots& snapshots,
                     StateMachine& machine, StateHostOptions options)
    : clock_(clock),
      replica_(replica),
      snapshots_(snapshots),
      machine_(machine),
      options_(std::move(options)),
      snapshot_at_bytes_(options_.snapshot_after_bytes) {}

Result<std::unique_ptr<StateHost>> StateHost::open(const Clock& clock, Replica& replica,
                                                   StateSnapshots& snapshots, StateMachine& machine,
                                                   StateHostOptions options) {
  PENSTOCK_TRY(snapshots.restore(machine, replica.log_start(), replica.log_end()));
  std::unique_ptr<StateHost> host(
      new StateHost(clock, replica, snapshots, machine, std::move(options)));
  if (const Status applied = host->apply_committed(); !applied) {
    return fail(Error(applied.error())
                    .context("the state cannot be made of its snapshot and the log; unless that "
                             "can be repaired, this node must be installed anew"));
  }
  host->publish();
  return host;
}

bool StateHost::follow(const ReplicaOutput& output) {
  acted_ = false;
  within_ = true;
  if (output.was_reset) restore_at_start();
  if (!fatal_) {
    const Offset before = machine_.applied();
    const Status applied = apply_committed();
    const bool is_contradiction = !applied && !trouble_;
    if (is_contradiction) die(applied.error());
    if (!fatal_ && machine_.applied() > before) publish();
  }
  finish_what_is_committed();
  finish_confirmed(output);
  notice_role();
  keep_log_short();
  begin_next();
  within_ = false;
  return acted_;
}

// --- applying

Status StateHost::apply_committed() {
  trouble_.reset();
  const Offset until = mutant(Mutant::kAppliesUncommitted)
                           ? replica_.log_end()
                           : std::min(replica_.committed(), replica_.log_end());
  while (machine_.applied() < until) {
    const auto read = replica_.read(machine_.applied(), kApplyReadBytes, until,
                                    /*cached_only=*/false);
    if (!read) {
      trouble_ = Error(read.error()).context("read committed records");
      return std::unexpected(*trouble_);
    }
    PENSTOCK_TRY(apply_batches(read->batches.view()));
    if (machine_.applied() != read->next) {
      return fail(Errc::kCorrupt, "a read of committed records ends within a batch");
    }
  }
  return {};
}

Status StateHost::apply_batches(ByteView batches) {
  if (batches.empty()) return fail(Errc::kCorrupt, "committed records are not in the log");
  for (ByteView rest = batches; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    if (batch.base_offset() != machine_.applied()) {
      return fail(Errc::kCorrupt, "a batch at " + std::to_string(batch.base_offset().value()) +
                                      " follows a state of " +
                                      std::to_string(machine_.applied().value()));
    }
    if (!batch.is_control()) {
      PENSTOCK_TRY_ASSIGN(auto records, record::Records::open(batch));
      while (true) {
        PENSTOCK_TRY_ASSIGN(const auto record, records.next());
        if (!record) break;
        const Status applied = machine_.apply(record->offset, {record->key, record->value});
        if (!applied) {
          return std::unexpected(
              Error(applied.error())
                  .context("apply the record at " + std::to_string(record->offset.value())));
        }
      }
    }
    if (machine_.applied() < batch.end_offset()) machine_.skip_to(batch.end_offset());
    bytes_since_snapshot_ += batch.size();
    rest = rest.subspan(batch.size());
  }
  return {};
}

// The log begins anew: the state that came with it is on the disk already.
void StateHost::restore_at_start() {
  const Offset start = replica_.log_start();
  if (fatal_ || machine_.applied() >= start) return;
  const auto restored = snapshots_.restore(machine_, start, replica_.log_end());
  if (!restored) {
    die(restored.error());
    return;
  }
  bytes_since_snapshot_ = 0;
  trim_is_due_ = true;
  publish();
}

void StateHost::publish() const {
  if (options_.applied) options_.applied(machine_);
}

void StateHost::die(Error error) {
  if (fatal_) return;
  fatal_ = std::move(error);
  replica_.step_down();
  acted_ = true;
}

// --- snapshots

bool StateHost::wants_snapshot() const {
  const Offset applied = machine_.applied();
  if (fatal_ || stopped_ || snapshots_.is_writing() || applied > replica_.durable_end()) {
    return false;
  }
  const Offset start = replica_.log_start();
  const bool cannot_install = start > Offset(0) && !snapshots_.has(start) &&
                              snapshots_.newest(applied).value_or(Offset(-1)) < start;
  if (cannot_install) return true;
  const std::uint64_t wanted = std::max(snapshot_at_bytes_, size_of_snapshot_);
  return bytes_since_snapshot_ >= wanted && !snapshots_.has(applied);
}

StateSnapshots::Ticket StateHost::begin_snapshot() {
  PENSTOCK_ASSERT(wants_snapshot(), "asked for first");
  const Bytes state = machine_.snapshot();
  size_of_snapshot_ = state.size();
  bytes_in_snapshot_ = bytes_since_snapshot_;
  return snapshots_.begin(replica_.group().point_at(machine_.applied()), state);
}

void StateHost::complete_snapshot(const StateSnapshots::Ticket& ticket, const Status& status) {
  snapshots_.complete(ticket, status);
  if (status) {
    bytes_since_snapshot_ -= std::min(bytes_since_snapshot_, bytes_in_snapshot_);
    snapshot_at_bytes_ = options_.snapshot_after_bytes;
    trim_is_due_ = true;
    return;
  }
  const Errc code = status.error().code();
  if (code == Errc::kDiskFull || code == Errc::kOverloaded) {
    snapshot_at_bytes_ = bytes_since_snapshot_ + options_.snapshot_after_bytes;
  } else {
    die(Error(status.error()).context("write a snapshot of the state"));
  }
}

void StateHost::keep_log_short() {
  const Offset applied = machine_.applied();
  const Offset start = replica_.log_start();
  const bool stays = options_.old_records == OldRecords::kStay;
  const bool cannot_install = !stays && start > Offset(0) && !snapshots_.has(start);
  if (fatal_ || applied > replica_.committed() || !(trim_is_due_ || cannot_install)) return;
  trim_is_due_ = false;
  const auto to = stays ? std::nullopt
                        : snapshots_.may_begin_at(start, std::min(applied, replica_.durable_end()));
  if (to) {
    acted_ = true;
    // What fails for good the replica tells itself; otherwise the next snapshot tries again.
    static_cast<void>(replica_.delete_records(*to));
  }
  snapshots_.forget_old(replica_.log_start(), applied);
}

}  // namespace penstock::broker
