// A broker that takes part in a group for the first time, or again.
//
// It gets the group's log from the beginning, and with it the memberships of then, of which it may
// have been a voter, or the only one: half of an old log would make it elect itself, or help others
// who know as little. And what it acknowledged when it took part before has gone with its files.
// So the first thing that it hears is how far its leader's log goes, and that stands on its disk
// before it answers: until its own log has come that far it is no candidate, and gives no vote to
// anybody who has less.
#include <algorithm>
#include <variant>

#include "broker/host/replica_parts.h"

namespace penstock::broker {

bool Replica::State::is_newcomer() const {
  return !memory.joined && memory.base_is_known && memory.base == raft::Membership{} &&
         memory.placed.empty() && log->log_start() == Offset(0) && log->log_end() == Offset(0);
}

bool Replica::State::take_measure(const PeerMessage& message) {
  if (std::holds_alternative<raft::InstallRequest>(message.envelope.message)) return false;
  const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
  if (append == nullptr || append->term < group->term()) return true;
  raft::LogPoint had = append->previous;
  had.end = std::max(had.end, append->commit);
  if (had.end == Offset(0)) return true;  // a group that has nothing yet
  ReplicaState next = memory;
  next.joined = ReplicaState::Measure{append->term, had};
  if (!keep_going(remember(next))) return false;
  memory = std::move(next);
  group->set_once_had(had);
  return true;
}

// A committed record of a later term brings everything that was committed in that one; and what is
// committed below a place is what was committed there then.
bool Replica::State::has_reached(const ReplicaState::Measure& measure) const {
  const Offset safe = std::min(group->committed(), group->durable_end());
  const bool is_later = safe > group->log_start() && group->point_at(safe).term > measure.in;
  return is_later || safe >= measure.had.end;
}

void Replica::State::look_for_level() {
  if (!memory.joined || ended || !has_reached(*memory.joined)) return;
  ReplicaState next = memory;
  next.joined.reset();
  if (!keep_going(remember(next))) return;
  memory = std::move(next);
  group->set_once_had(memory.measure());
}

}  // namespace penstock::broker
