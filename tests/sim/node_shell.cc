// The shell around a replica: what it asks for is done, and takes its time.
#include <algorithm>
#include <utility>

#include "tests/sim/node.h"
#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

using broker::ReplicaOutput;

constexpr std::int64_t kLongestWait_ms = 3'600'000;
// Producers that wait at one leader: it steps down, or commits, within a few of their patiences.
constexpr std::size_t kMaxWaiters = 64;
constexpr int kMaxRounds = 100;
// Mean time of a flush that hangs: some outlast an election, a few a whole partition.
constexpr std::int64_t kHangs = kSecond;

bool is_quiet(const ReplicaOutput& output) {
  return output.messages.empty() && !output.save && output.cold_reads.empty() &&
         !output.committed && !output.role_changed && !output.truncated_to;
}

}  // namespace

void Node::pump(GroupNumber group) {
  const std::uint64_t life = life_;
  // What is answered may ask for more.
  for (int rounds = 0; life == life_; ++rounds) {
    ReplicaOutput output = hosted_.at(group).replica->take_output();
    if (rounds > kMaxRounds) {
      return scene_.violations.add("no-spin", describe(group) + " always has something to say");
    }
    const bool more = show(group, output);
    if (life != life_) return;
    for (broker::PeerMessage& message : output.messages) {
      for (auto& invariant : scene_.invariants) invariant->sent(group, message);
      scene_.network.send(group, message);
    }
    if (output.save) save(group, *output.save);
    if (life != life_) return;
    for (const std::uint64_t ticket : output.cold_reads) read_cold(group, ticket);
    answer_waiters(group, output);
    if (life != life_) return;
    if (output.fatal) return die(describe(group) + ": " + output.fatal->to_string());
    flush(group);
    checkpoint(group);
    if (is_quiet(output) && !more) break;
  }
  if (life == life_) set_timer(group);
}

// To all who look, and to the resident.
bool Node::show(GroupNumber group, const ReplicaOutput& output) {
  const ReplicaView seen = view(group, &output);
  for (auto& invariant : scene_.invariants) {
    invariant->stepped(seen);
    for (const raft::ReadReady& read : output.reads_ready) {
      invariant->read_confirmed(seen, read.context, read.committed);
    }
  }
  if (output.fault && intact_) {
    scene_.violations.add("no-fault", describe(group) + ": " + *output.fault);
  }
  if (output.role_changed) {
    scene_.world.note(describe(group) + " " + seen.replica.group().describe());
    if (seen.replica.role() == raft::Role::kLeader) probe(Probe::kLeaderElected);
  }
  if (output.truncated_to) probe(Probe::kTailTruncated);
  if (output.truncated_to && hosted_.at(group).flushing) probe(Probe::kCutDuringFlush);
  if (output.was_reset) probe(Probe::kFollowerReset);
  return resident_->follow(group, output);
}

void Node::answer_waiters(GroupNumber group, const ReplicaOutput& output) {
  Hosted& hosted = hosted_.at(group);
  std::deque<Waiter>& waiters = hosted.waiters;
  if (waiters.size() > kMaxWaiters) {
    scene_.violations.add(
        "bounded", describe(group) + " lets " + std::to_string(waiters.size()) + " producers wait");
  }
  std::vector<std::pair<Answer, Result<Offset>>> answers;
  while (!waiters.empty() && waiters.front().end <= hosted.replica->committed()) {
    Waiter& first = waiters.front();
    const bool ours = hosted.replica->group().point_at(first.end).term == first.term;
    answers.emplace_back(std::move(first.answer),
                         ours ? Result<Offset>(first.begin) : fail(unknown_outcome()));
    waiters.pop_front();
  }
  // Whoever no longer leads cannot say what becomes of the rest.
  if (output.role_changed && hosted.replica->role() != raft::Role::kLeader) {
    for (Waiter& waiter : waiters)
      answers.emplace_back(std::move(waiter.answer), fail(unknown_outcome()));
    waiters.clear();
  }
  for (auto& [answer, outcome] : answers) answer(std::move(outcome));
}

void Node::save(GroupNumber group, const raft::HardState& state) {
  if (const Status put = votes_->put(scene_.groups.name_of(group), state); !put) {
    return die("vote of " + describe(group) + ": " + put.error().to_string());
  }
  unsaved_votes_.push_back({group, hosted_.at(group).opened, state});
  flush_votes();
}

void Node::flush_votes() {
  if (flushing_votes_ || !votes_->needs_flush()) return;
  flushing_votes_ = true;
  later(disk_time(),
        [this, ticket = votes_->begin_flush(), saved = std::exchange(unsaved_votes_, {})] {
          const Status status = ticket.run();
          votes_->complete_flush(ticket, status);
          flushing_votes_ = false;
          if (!status) return die("votes: " + status.error().to_string());
          if (votes_were_saved(saved)) flush_votes();
        });
}

// False: the node died of what followed.
bool Node::votes_were_saved(const std::vector<UnsavedVote>& saved) {
  const std::uint64_t life = life_;
  for (const UnsavedVote& vote : saved) {
    Hosted* const hosted = find(vote.group);
    if (hosted == nullptr || hosted->opened != vote.opened) continue;
    hosted->replica->saved(vote.state);
    pump(vote.group);
    if (life != life_) return false;
  }
  return true;
}

void Node::flush(GroupNumber group) {
  Hosted& hosted = hosted_.at(group);
  if (hosted.flushing || !hosted.replica->needs_flush()) return;
  hosted.flushing = true;
  const fakes::Moment begun = scene_.weather.late_writes_wait ? disk_->moment() : fakes::kNow;
  later_for(group, disk_time(),
            [this, group, begun, ticket = hosted.replica->begin_flush()](Hosted& done) {
              const Status status = disk_->as_begun_at(begun, [&] { return ticket.run(); });
              done.flushing = false;
              done.replica->complete_flush(ticket, status);
              pump(group);
            });
}

void Node::checkpoint(GroupNumber group) {
  Hosted& hosted = hosted_.at(group);
  if (hosted.checkpointing || !hosted.replica->wants_checkpoint()) return;
  hosted.checkpointing = true;
  later_for(group, disk_time(),
            [this, group, ticket = hosted.replica->begin_checkpoint()](Hosted& done) {
              const Status status = ticket.run();
              done.checkpointing = false;
              done.replica->complete_checkpoint(ticket, status);
              pump(group);
            });
}

void Node::read_cold(GroupNumber group, std::uint64_t ticket) {
  probe(Probe::kColdRead);
  auto read = hosted_.at(group).replica->take_cold_read(ticket);
  later_for(group, disk_time(), [this, group, ticket, read = std::move(read)](Hosted& hosted) {
    hosted.replica->complete_cold_read(ticket, read.run());
    pump(group);
  });
}

void Node::set_timer(GroupNumber group) {
  Hosted& hosted = hosted_.at(group);
  const std::int64_t now_ms = scene_.world.now_ns() / kMs;
  // Who has nothing to wait for says "never".
  const std::int64_t at_ms = std::min(hosted.replica->next_deadline_ms(), now_ms + kLongestWait_ms);
  if (hosted.timer_at_ms > now_ms && hosted.timer_at_ms <= at_ms) return;
  hosted.timer_at_ms = std::max(at_ms, now_ms + 1);
  later_for(group, hosted.timer_at_ms * kMs - scene_.world.now_ns(),
            [this, group, at = hosted.timer_at_ms](Hosted& due) {
              if (due.timer_at_ms != at) return;  // an earlier one was set
              due.timer_at_ms = -1;
              due.replica->tick();
              pump(group);
            });
}

std::int64_t Node::disk_time() {
  World& world = scene_.world;
  const Weather& weather = scene_.weather;
  const bool may_hang = weather.hung_flush > 0 && !disk_is_calm_;
  if (may_hang && world.chance(weather.hung_flush)) return world.around(kHangs);
  if (world.chance(weather.slow_flush)) {
    probe(Probe::kFlushSlowerThanElection);
    return 2 * kSecond;
  }
  return world.around(weather.mean_flush_ns);
}

}  // namespace penstock::sim
