#include "tests/broker/raft/scenario_node.h"

#include <algorithm>

namespace penstock::raft {
namespace {

// More outputs than one input may cause: a core that never comes to rest.
constexpr int kMaxOutputs = 10'000;

bool is_empty(const Output& output) {
  return !output.save && !output.accept && !output.reset && output.control.empty() &&
         output.reads.empty() && output.messages.empty() && output.reads_ready.empty() &&
         output.reads_failed.empty() && !output.committed && !output.role_changed && !output.fault;
}

std::string text(Offset offset) { return std::to_string(offset.value()); }

}  // namespace

ScenarioNode::ScenarioNode(NodeId self, Options options, HardState hard_state, LogImage log,
                           ScenarioStage& stage)
    : self_(self),
      options_(options),
      stage_(stage),
      hard_state_(hard_state),
      disk_(log),
      log_(std::move(log)) {}

void ScenarioNode::start() {
  log_ = disk_;
  committed_before_ = log_.start.end;
  const std::uint64_t seed = static_cast<std::uint64_t>(self_.value()) * 1'000 + ++starts_;
  group_ = std::make_unique<Group>(self_, options_, log_.restored(hard_state_, damaged_until_),
                                   seed, now_ms_);
  pump();
}

void ScenarioNode::crash() {
  group_.reset();
  log_ = disk_;
  to_save_.clear();
  to_reset_.reset();
  flushes_.clear();
  control_.clear();
  reads_.clear();
  incoming_.clear();
}

void ScenarioNode::tick(std::int64_t ms) {
  now_ms_ += ms;
  ask([](Group& group, std::int64_t now) { group.tick(now); });
}

void ScenarioNode::pass_and_tick_when_due(std::int64_t ms) {
  now_ms_ += ms;
  if (group_->next_deadline_ms() <= now_ms_) tick(0);
}

void ScenarioNode::save() {
  if (!to_save_.empty()) to_save_.erase(to_save_.begin(), to_save_.end() - 1);
  save_oldest();
  if (!may_reset()) return;
  const InstallRequest install = *std::exchange(to_reset_, std::nullopt);
  log_ = {.start = install.start, .base = install.membership, .batches = {}};
  disk_ = log_;
  flushes_.clear();
  const Status done =
      ask([&](Group& group, std::int64_t now) { return group.was_reset(install, now); });
  if (!done) stage_.trace.failure("was_reset: " + done.error().to_string());
}

void ScenarioNode::save_oldest() {
  if (to_save_.empty()) return;
  const HardState state = to_save_.front();
  to_save_.pop_front();
  stage_.safety.saved(self_, hard_state_, state);
  hard_state_ = state;
  ask([&](Group& group, std::int64_t now) { group.saved(state, now); });
}

void ScenarioNode::flush(std::optional<Offset> until) {
  LogImage image = log_;
  if (until) image.cut(*until);
  disk_ = std::move(image);
  flushes_.clear();
  const Offset end = disk_.end();
  ask([&](Group& group, std::int64_t now) {
    group.flush_pending_since(std::nullopt);
    group.durable(end, group.log_version(), now);
  });
}

void ScenarioNode::begin_flush() {
  flushes_.push_back({log_, group_->log_version()});
  if (flushes_.size() > 1) return;
  ask([](Group& group, std::int64_t now) { group.flush_pending_since(now); });
}

void ScenarioNode::end_flush() {
  if (flushes_.empty()) return stage_.trace.failure(to_string(self_) + " has begun no flush");
  const Flush flush = std::move(flushes_.front());
  flushes_.pop_front();
  disk_ = flush.image;
  ask([&](Group& group, std::int64_t now) {
    group.flush_pending_since(flushes_.empty() ? std::nullopt : std::optional(now));
    group.durable(flush.image.end(), flush.version, now);
  });
}

void ScenarioNode::set_writes(Access access) {
  writes_ = access;
  carry_out_control();
  pump();
}

void ScenarioNode::set_reads(Access access) {
  reads_access_ = access;
  answer_reads();
  pump();
}

void ScenarioNode::damage(Offset until, std::optional<Offset> keep) {
  damaged_until_ = until;
  if (keep) disk_.cut(*keep);
  if (!is_up()) return;
  if (keep) {
    crash();
    start();
  } else {
    ask([&](Group& group, std::int64_t) { group.set_damaged_until(until); });
  }
}

void ScenarioNode::repaired() {
  damaged_until_ = Offset();
  ask([](Group& group, std::int64_t) { group.set_damaged_until(Offset()); });
}

void ScenarioNode::deliver(const Parcel& parcel) {
  incoming_ = parcel.batches;
  ask([&](Group& group, std::int64_t now) {
    group.step(parcel.envelope.from, parcel.envelope.message, now);
  });
  incoming_.clear();
}

Status ScenarioNode::propose(std::int64_t records, std::uint64_t bytes) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t room, group_->propose_room());
  if (room < bytes) return fail(Errc::kOverloaded, "room for " + std::to_string(room) + " bytes");
  if (writes_ == Access::kFails) return fail(Errc::kIoError);
  const Status appended = append({.begin = log_.end(),
                                  .end = log_.end() + records,
                                  .term = group_->term(),
                                  .bytes = bytes,
                                  .content = stage_.safety.next_content(),
                                  .membership = {}});
  pump();
  return appended;
}

// Invariant: what the core refused is not in the log.
Status ScenarioNode::append(ScenarioBatch batch) {
  const Offset before = log_.end();
  log_.batches.push_back(std::move(batch));
  const ScenarioBatch& written = log_.batches.back();
  const Status told = group_->appended(range_of(before, {written}), now_ms_);
  if (told) {
    stage_.trace.message(to_string(self_) + " writes [" + text(written.begin) + ", " +
                         text(written.end) + ")" +
                         (written.membership ? " " + to_string(*written.membership) : ""));
    stage_.safety.written(self_, written);
  } else {
    log_.cut(before);
  }
  return told;
}

Status ScenarioNode::remove_below(Offset offset) {
  if (!log_.is_boundary(offset)) return fail(Errc::kInvalidArgument, "not the end of a batch");
  PENSTOCK_TRY(group_->log_start_moved(offset));
  log_.drop_below(offset);
  if (disk_.end() < offset) {
    disk_ = {.start = log_.start, .base = log_.base, .batches = {}};
  } else {
    disk_.drop_below(offset);
  }
  for (Flush& flush : flushes_) flush.image.drop_below(offset);
  pump();
  return {};
}

void ScenarioNode::pump() {
  for (int outputs = 0; group_ != nullptr; ++outputs) {
    Output output = group_->take_output();
    if (is_empty(output)) break;
    carry_out(output);
    if (outputs == kMaxOutputs) return stage_.trace.failure(to_string(self_) + " spins");
  }
  stage_.safety.check();
  if (group_ != nullptr) committed_before_ = group_->committed();
}

void ScenarioNode::carry_out(Output& output) {
  tell_state(output);
  if (output.save) to_save_.push_back(*output.save);
  if (output.reset) to_reset_ = std::move(output.reset);
  if (output.accept) carry_out(*output.accept);
  control_.insert(control_.end(), output.control.begin(), output.control.end());
  carry_out_control();
  for (const Envelope& envelope : output.messages) send(envelope);
  reads_.insert(reads_.end(), output.reads.begin(), output.reads.end());
  answer_reads();
}

void ScenarioNode::tell_state(const Output& output) {
  const std::string name = to_string(self_);
  if (output.fault) stage_.trace.event(name + " FAULT " + *output.fault);
  if (output.role_changed) {
    const NodeId leader = group_->leader();
    stage_.trace.event(name + " is " + to_string(group_->role()) + " t" +
                       std::to_string(group_->term().value()) +
                       (leader == kNobody || leader == self_ ? "" : " of " + to_string(leader)));
  }
  if (output.save) {
    stage_.trace.message(name + " must save t" + std::to_string(output.save->term.value()) +
                         (output.save->voted_for == kNobody
                              ? ""
                              : " vote for " + to_string(output.save->voted_for)));
  }
  if (output.reset) stage_.trace.event(name + " must reset to " + to_string(output.reset->start));
  if (output.committed) stage_.trace.event(name + " committed " + text(*output.committed));
  for (const ReadReady& ready : output.reads_ready) {
    stage_.trace.event(name + " read " + std::to_string(ready.context) + " ready at " +
                       text(ready.committed));
    stage_.safety.read_ready(self_, ready);
  }
  for (const std::uint64_t context : output.reads_failed) {
    stage_.trace.event(name + " read " + std::to_string(context) + " failed");
    stage_.safety.read_failed(context);
  }
}

void ScenarioNode::carry_out(const Accept& accept) {
  const std::string name = to_string(self_);
  if (writes_ == Access::kFails) return stage_.trace.event(name + " fails to write");
  if (accept.truncate_to) {
    if (!log_.is_boundary(*accept.truncate_to)) {
      stage_.trace.failure(name + " cuts a batch in two at " + text(*accept.truncate_to));
    }
    log_.cut(*accept.truncate_to);
    stage_.trace.event(name + " cuts its log to " + text(*accept.truncate_to));
  }
  std::vector<ScenarioBatch> added;
  std::ranges::copy_if(incoming_, std::back_inserter(added), [&](const ScenarioBatch& batch) {
    return batch.begin >= accept.append_from;
  });
  EntryRange found = range_of(accept.append_from, added);
  found.bytes = accept.range.bytes;  // the core cannot know what the batches it skips weigh
  if (found != accept.range || accept.append_from != log_.end()) {
    stage_.trace.failure(name + " is told to append what is not there: " + to_string(accept.range));
  }
  for (const ScenarioBatch& batch : added) {
    stage_.safety.written(self_, batch);
    log_.batches.push_back(batch);
  }
  if (!added.empty()) {
    stage_.trace.message(name + " appends [" + text(accept.range.begin) + ", " +
                         text(accept.range.end) + ")");
  }
  const Status told = group_->accepted(accept, now_ms_);
  if (!told) stage_.trace.failure(name + " accepted: " + told.error().to_string());
}

void ScenarioNode::carry_out_control() {
  if (writes_ == Access::kFails) return;
  for (ControlEntry& entry : std::exchange(control_, {})) {
    if (entry.at != log_.end()) {
      stage_.trace.failure(to_string(self_) + " places a control batch at " + text(entry.at));
    }
    const Status told = append({.begin = entry.at,
                                .end = entry.at + 1,
                                .term = entry.term,
                                .bytes = 100,
                                .content = stage_.safety.next_content(),
                                .membership = std::move(entry.membership)});
    if (!told) stage_.trace.event(to_string(self_) + " control: " + told.error().to_string());
  }
}

void ScenarioNode::answer_reads() {
  if (reads_access_ == Access::kFails) return;
  for (const ReadForPeer& read : std::exchange(reads_, {})) {
    std::vector<ScenarioBatch> batches;
    std::uint64_t bytes = 0;
    for (const ScenarioBatch& batch : log_.between(read.from, log_.end())) {
      if (!batches.empty() && bytes + batch.bytes > read.max_bytes) break;
      if (batches.empty() && batch.begin != read.from) {
        stage_.trace.failure(to_string(self_) + " reads from within a batch: " + text(read.from));
      }
      bytes += batch.bytes;
      batches.push_back(batch);
    }
    group_->send_range(read, range_of(read.from, batches), now_ms_);
  }
}

void ScenarioNode::send(const Envelope& envelope) {
  stage_.safety.sent(*this, envelope);
  if (envelope.from != self_) stage_.trace.failure(to_string(self_) + " signs as another");
  Parcel parcel{envelope, {}};
  if (const auto* append = std::get_if<AppendRequest>(&envelope.message)) {
    parcel.batches = log_.between(append->range.begin, append->range.end);
    if (range_of(append->range.begin, parcel.batches) != append->range) {
      stage_.trace.failure(to_string(self_) +
                           " sends what is not in its log: " + to_string(envelope.message));
    }
  }
  stage_.trace.message(to_string(self_) + " -> " + to_string(envelope.to) + " " +
                       to_string(envelope.message));
  stage_.network.post(std::move(parcel));
}

std::string ScenarioNode::describe() const {
  return is_up() ? group_->describe() : to_string(self_) + " is down";
}

}  // namespace penstock::raft
