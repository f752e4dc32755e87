#include "client/member_core.h"

#include <algorithm>
#include <utility>

namespace penstock::client {
namespace {

GroupPartitions without(const GroupPartitions& a, const GroupPartitions& b) {
  GroupPartitions rest;
  std::ranges::set_difference(a, b, std::inserter(rest, rest.end()));
  return rest;
}

GroupPartitions common(const GroupPartitions& a, const GroupPartitions& b) {
  GroupPartitions both;
  std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
  return both;
}

}  // namespace

// --- the coordinator

std::optional<MemberCore::Heartbeat> MemberCore::next_heartbeat(Instant now) {
  if (under_way_ || fatal_ || waits_for_application() || due_ > now) return std::nullopt;
  under_way_ = true;
  was_declared_dead_ = false;
  Heartbeat heartbeat{.member = member_, .epoch = epoch_, .owned = owned_};
  heartbeat.owned.insert(in_use_.begin(), in_use_.end());
  // What is said now stands until something changes.
  due_ = Instant::max();
  return heartbeat;
}

void MemberCore::take_answer(const Answer& answer, Instant now) {
  under_way_ = false;
  if (std::exchange(is_of_former_life_, false)) return;
  failures_ = 0;
  last_error_.reset();
  const bool is_outdated = answer.epoch < epoch_;
  if (!is_outdated) {
    epoch_ = answer.epoch;
    owned_ = answer.owned;
    awaited_ = answer.awaited;
    forget_what_was_taken_away();
  }
  const auto interval = is_moving() ? timing_.moving_interval : timing_.heartbeat_interval;
  // Unless something has become urgent while the answer was on its way.
  due_ = std::min(due_, now + interval);
}

void MemberCore::take_failure(const Error& error, Instant now) {
  under_way_ = false;
  if (std::exchange(is_of_former_life_, false)) return;
  last_error_ = error;
  if (error.code() == Errc::kUnknownMember) {
    end_life(now);
    return;
  }
  if (!error.retriable()) {
    fatal_ = error;
    return;
  }
  due_ = now + backoff_.pause(++failures_, rng_);
}

void MemberCore::declared_dead(std::int64_t epoch, Instant now) {
  if (epoch != 0 && epoch == epoch_) end_life(now);
}

// Nothing of what it had is its own any more.
void MemberCore::end_life(Instant now) {
  // Who joins and is not known was forgotten between two of its requests: no reason for haste.
  const bool joined = epoch_ != 0;
  is_of_former_life_ = under_way_;
  epoch_ = 0;
  owned_.clear();
  forget_what_was_taken_away();
  awaited_ = 0;
  was_declared_dead_ = true;
  due_ = joined ? now : now + backoff_.pause(++failures_, rng_);
}

// Should it come back, others may have committed positions of it.
void MemberCore::forget_what_was_taken_away() {
  prepared_ = common(prepared_, owned_);
  outdated_.merge(without(preparing_, owned_));
}

Instant MemberCore::next_deadline() const {
  return under_way_ || fatal_ || waits_for_application() ? Instant::max() : due_;
}

bool MemberCore::is_moving() const { return awaited_ > 0 || !without(in_use_, owned_).empty(); }

// --- the application

GroupPartitions MemberCore::take_unprepared() {
  GroupPartitions wanted = without(without(without(owned_, in_use_), preparing_), prepared_);
  preparing_.insert(wanted.begin(), wanted.end());
  return wanted;
}

void MemberCore::prepared(const TopicPartition& partition) {
  preparing_.erase(partition);
  const bool is_of_use = outdated_.erase(partition) == 0 && owned_.contains(partition);
  if (is_of_use) prepared_.insert(partition);
}

void MemberCore::not_prepared(const TopicPartition& partition) {
  preparing_.erase(partition);
  outdated_.erase(partition);
}

bool MemberCore::has_change() const { return !change().empty(); }

MemberCore::Change MemberCore::change() const {
  Change change;
  GroupPartitions& gone = was_declared_dead_ ? change.lost : change.revoked;
  gone = without(in_use_, owned_);
  // Not before the application has heard that it lost them.
  if (!was_declared_dead_) change.assigned = without(prepared_, in_use_);
  return change;
}

void MemberCore::let_go(const GroupPartitions& partitions) {
  bool changed = false;
  for (const TopicPartition& one : partitions) changed = in_use_.erase(one) > 0 || changed;
  // Somebody may wait for them.
  if (changed) hurry();
}

GroupPartitions MemberCore::begin(const GroupPartitions& partitions) {
  GroupPartitions begun = common(common(partitions, prepared_), owned_);
  for (const TopicPartition& one : begun) {
    prepared_.erase(one);
    in_use_.insert(one);
  }
  return begun;
}

bool MemberCore::is_settled() const { return epoch_ != 0 && awaited_ == 0 && in_use_ == owned_; }

}  // namespace penstock::client
