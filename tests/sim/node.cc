#include "tests/sim/node.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "protocol/record/builder.h"
#include "tests/sim/probes.h"
#include "tests/sim/rot.h"

namespace penstock::sim {
namespace {

using broker::Replica;
using broker::ReplicaOutput;

constexpr std::int64_t kLongestWait_ms = 3'600'000;
// Producers that wait at one leader: it steps down, or commits, within a few of their patiences.
constexpr std::size_t kMaxWaiters = 64;
constexpr std::uint64_t kSegmentBytes = 16U << 10;  // rolls are frequent

std::string folder(GroupNumber group) { return "/data/group-" + std::to_string(group); }

TopicPartition identity(GroupNumber group) {
  Uuid topic;
  topic.bytes[0] = std::byte{0x51};
  return {topic, PartitionId(group)};
}

storage::LogOptions log_options() {
  return {.segment_bytes = kSegmentBytes,
          .retention_ms = std::nullopt,
          .retention_bytes = std::nullopt,
          .index_interval_bytes = 512,
          .checkpoint_bytes = 8U << 10};
}

Bytes make_batch(BatchName name, int records, Timestamp now) {
  record::BatchBuilder builder({.producer_id = name.client, .base_sequence = name.number});
  const std::string value = std::to_string(name.client) + "-" + std::to_string(name.number) +
                            std::string(static_cast<std::size_t>(20 + name.number % 200), '.');
  for (int i = 0; i < records; ++i) builder.append(now, std::nullopt, as_bytes(value));
  return *builder.build();
}

Error unknown_outcome() { return {Errc::kTimeout, "the outcome is not known"}; }

}  // namespace

Node::Node(Scene& scene, raft::NodeId id, std::vector<raft::Membership> first_memberships)
    : scene_(scene),
      id_(id),
      first_memberships_(std::move(first_memberships)),
      clock_(scene.world) {
  replace_disk(id);
}

void Node::replace_disk(raft::NodeId new_id) {
  PENSTOCK_ASSERT(!up_, "a disk is changed while the process is down");
  id_ = new_id;
  disk_ = std::make_unique<fakes::FakeEnv>();
  const Status made = disk_->create_dirs("/data/votes");
  PENSTOCK_ASSERT(made, "a new disk takes a folder");
  disk_->sync_everything();
  disk_->set_cold(scene_.weather.cold_reads > 0);
}

Node::~Node() = default;

std::string Node::describe(GroupNumber group) const {
  return to_string(id_) + "/" + std::to_string(group);
}

ReplicaView Node::view(GroupNumber group, const ReplicaOutput* output) {
  return {id_, group, *hosted_[group].replica, output, intact_};
}

Replica* Node::replica(GroupNumber group) {
  const auto found = hosted_.find(group);
  return up_ && found != hosted_.end() ? found->second.replica.get() : nullptr;
}

// --- life and death

void Node::start() {
  if (up_) return;
  ++life_;
  up_ = true;
  paused_until_ns_ = 0;
  scene_.world.note(to_string(id_) + " starts");
  auto votes = broker::VoteStore::open(*disk_, "/data/votes", Uuid{});
  if (!votes) return die("vote store: " + votes.error().to_string());
  votes_ = std::move(*votes);
  flushing_votes_ = false;
  unsaved_votes_.clear();
  for (GroupNumber group = 0; group < static_cast<int>(first_memberships_.size()); ++group) {
    if (!open(group)) return;
  }
  for (GroupNumber group = 0; up_ && group < static_cast<int>(first_memberships_.size()); ++group) {
    pump(group);
  }
}

bool Node::open(GroupNumber group) {
  const auto index = static_cast<std::size_t>(group);
  auto opened = Replica::open(*disk_, clock_, folder(group), {identity(group)}, log_options(),
                              {.self = id_,
                               .first_membership = first_memberships_[index],
                               .raft = {},
                               .seed = scene_.world.rng().next()},
                              votes_->find(identity(group)));
  if (!opened) {
    die(describe(group) + " cannot be opened: " + opened.error().to_string());
    return false;
  }
  if (!opened->report.damage.empty() && intact_) {
    scene_.violations.add("no-false-alarm", describe(group) + " calls itself damaged");
  }
  if (opened->report.truncated_bytes > 0) probe(Probe::kUnsyncedLost);
  for (const auto& damage : opened->report.damage) {
    scene_.world.note(describe(group) + " is damaged in [" + std::to_string(damage.begin.value()) +
                      ", " + std::to_string(damage.end.value()) + "): " + damage.reason);
  }
  hosted_[group].replica = std::move(opened->replica);
  scene_.world.note(describe(group) + " opens " + hosted_[group].replica->group().describe() +
                    ", " + std::to_string(opened->report.truncated_bytes) + " bytes were torn");
  for (auto& invariant : scene_.invariants) {
    invariant->started(view(group), intact_);
  }
  return true;
}

void Node::crash() {
  if (!up_) return;
  ++life_;
  up_ = false;
  scene_.world.note(to_string(id_) + " crashes");
  std::vector<Answer> unanswered;
  for (auto& [group, hosted] : hosted_) {
    for (Waiter& waiter : hosted.waiters) unanswered.push_back(std::move(waiter.answer));
  }
  hosted_.clear();
  votes_.reset();
  disk_->crash(fakes::Survives::kRandomPart, scene_.world.rng());
  disk_->plan_fault({});  // forgets the last one, too
  disk_->clear_faults();
  disk_->set_cold(scene_.weather.cold_reads > 0);
  for (auto& invariant : scene_.invariants) invariant->crashed(id_);
  for (Answer& answer : unanswered) answer(fail(unknown_outcome()));
}

// What the process cannot go on after. A disk that failed because we made it fail is a crash; any
// other reason is the finding.
void Node::die(const std::string& why) {
  scene_.world.note(to_string(id_) + " dies: " + why);
  if (disk_->fault_happened()) {
    probe(planned_ == fakes::Fault::kKill ? Probe::kCrashInDiskCall : Probe::kDiskFailed);
  } else if (intact_) {
    scene_.violations.add("never-gives-up", to_string(id_) + ": " + why);
  }
  crash();
}

void Node::fail_disk_call(fakes::FaultPlan plan) {
  if (!up_ || disk_->fault_happened()) return;
  planned_ = plan.fault;
  disk_->plan_fault(plan);
}

void Node::pause(std::int64_t for_ns) {
  if (!up_) return;
  probe(Probe::kNodePaused);
  scene_.world.note(to_string(id_) + " pauses");
  paused_until_ns_ = std::max(paused_until_ns_, scene_.world.now_ns() + for_ns);
}

void Node::fill_disk() {
  if (up_) disk_->set_capacity(disk_->used_bytes() + scene_.world.rng().below(4'000));
}

void Node::rot() {
  std::vector<std::string> folders;
  for (GroupNumber group = 0; group < static_cast<int>(first_memberships_.size()); ++group) {
    folders.push_back(folder(group));
  }
  const auto where = sim::rot(*disk_, folders, scene_.world.rng());
  if (!where) return;
  intact_ = false;
  scene_.world.note(to_string(id_) + " rots in " + *where);
}

void Node::later(std::int64_t delay_ns, World::Action action) {
  scene_.world.after(delay_ns, [this, life = life_, action = std::move(action)]() mutable {
    run_when_awake(life, std::move(action));
  });
}

void Node::run_when_awake(std::uint64_t life, World::Action action) {
  if (life != life_) return;
  const std::int64_t asleep = paused_until_ns_ - scene_.world.now_ns();
  if (asleep <= 0) return action();
  scene_.world.after(asleep, [this, life, action = std::move(action)]() mutable {
    run_when_awake(life, std::move(action));
  });
}

// --- the shell around a replica

void Node::pump(GroupNumber group) {
  const std::uint64_t life = life_;
  // What is answered may ask for more.
  for (int rounds = 0; life == life_; ++rounds) {
    Hosted& hosted = hosted_[group];
    ReplicaOutput output = hosted.replica->take_output();
    if (rounds > 100) {
      return scene_.violations.add("no-spin", describe(group) + " always has something to say");
    }
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
      scene_.world.note(describe(group) + " " + hosted.replica->group().describe());
      if (hosted.replica->role() == raft::Role::kLeader) probe(Probe::kLeaderElected);
    }
    if (output.truncated_to) probe(Probe::kTailTruncated);
    if (output.was_reset) probe(Probe::kFollowerReset);
    for (broker::PeerMessage& message : output.messages) {
      for (auto& invariant : scene_.invariants) invariant->sent(group, message);
      scene_.network.send(group, std::move(message));
    }
    if (output.save) save(group, *output.save);
    for (const std::uint64_t ticket : output.cold_reads) read_cold(group, ticket);
    answer_waiters(group, output);
    if (life != life_) return;
    if (output.fatal) return die(describe(group) + ": " + output.fatal->to_string());
    flush(group);
    checkpoint(group);
    const bool quiet = output.messages.empty() && !output.save && output.cold_reads.empty() &&
                       !output.committed && !output.role_changed && !output.truncated_to;
    if (quiet) break;
  }
  if (life == life_) set_timer(group);
}

void Node::answer_waiters(GroupNumber group, const ReplicaOutput& output) {
  Hosted& hosted = hosted_[group];
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
  if (const Status put = votes_->put(identity(group), state); !put) {
    return die("vote of " + describe(group) + ": " + put.error().to_string());
  }
  unsaved_votes_.emplace_back(group, state);
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
          const std::uint64_t life = life_;
          for (const auto& [group, state] : saved) {
            hosted_[group].replica->saved(state);
            pump(group);
            if (life != life_) return;
          }
          flush_votes();
        });
}

void Node::flush(GroupNumber group) {
  Hosted& hosted = hosted_[group];
  if (hosted.flushing || !hosted.replica->needs_flush()) return;
  hosted.flushing = true;
  later(disk_time(), [this, group, ticket = hosted.replica->begin_flush()] {
    const Status status = ticket.run();
    Hosted& done = hosted_[group];
    done.flushing = false;
    done.replica->complete_flush(ticket, status);
    pump(group);
  });
}

void Node::checkpoint(GroupNumber group) {
  Hosted& hosted = hosted_[group];
  if (hosted.checkpointing || !hosted.replica->wants_checkpoint()) return;
  hosted.checkpointing = true;
  later(disk_time(), [this, group, ticket = hosted.replica->begin_checkpoint()] {
    const Status status = ticket.run();
    Hosted& done = hosted_[group];
    done.checkpointing = false;
    done.replica->complete_checkpoint(ticket, status);
    pump(group);
  });
}

void Node::read_cold(GroupNumber group, std::uint64_t ticket) {
  probe(Probe::kColdRead);
  auto read = hosted_[group].replica->take_cold_read(ticket);
  later(disk_time(), [this, group, ticket, read = std::move(read)] {
    hosted_[group].replica->complete_cold_read(ticket, read.run());
    pump(group);
  });
}

void Node::set_timer(GroupNumber group) {
  Hosted& hosted = hosted_[group];
  const std::int64_t now_ms = scene_.world.now_ns() / kMs;
  // Who has nothing to wait for says "never".
  const std::int64_t at_ms = std::min(hosted.replica->next_deadline_ms(), now_ms + kLongestWait_ms);
  if (hosted.timer_at_ms > now_ms && hosted.timer_at_ms <= at_ms) return;
  hosted.timer_at_ms = std::max(at_ms, now_ms + 1);
  later(hosted.timer_at_ms * kMs - scene_.world.now_ns(), [this, group, at = hosted.timer_at_ms] {
    Hosted& due = hosted_[group];
    if (due.timer_at_ms != at) return;  // an earlier one was set
    due.timer_at_ms = -1;
    due.replica->tick();
    pump(group);
  });
}

std::int64_t Node::disk_time() {
  World& world = scene_.world;
  if (world.chance(scene_.weather.slow_flush)) {
    probe(Probe::kFlushSlowerThanElection);
    return 2 * kSecond;
  }
  return world.around(scene_.weather.mean_flush_ns);
}

// --- requests

void Node::receive(GroupNumber group, const broker::PeerMessage& message) {
  if (!up_) return;
  run_when_awake(life_, [this, group, message] {
    for (auto& invariant : scene_.invariants) invariant->received(group, message);
    hosted_[group].replica->receive(message);
    pump(group);
  });
}

void Node::produce(GroupNumber group, BatchName name, int records, Answer answer) {
  if (!up_ || paused_until_ns_ > scene_.world.now_ns()) return answer(fail(Errc::kConnectFailed));
  Hosted& hosted = hosted_[group];
  Bytes batch = make_batch(name, records, clock_.wall());
  const auto appended = hosted.replica->append(batch);
  if (!appended) {
    if (appended.error().code() == Errc::kDiskFull) probe(Probe::kDiskFullAtLeader);
    // A disk that failed in the middle of a write: the process ends, and nobody knows.
    const bool definite = appended.error().outcome() == Outcome::kNotDone;
    answer(definite ? Result<Offset>(std::unexpected(appended.error())) : fail(unknown_outcome()));
  } else {
    hosted.waiters.push_back(
        {appended->base_offset, appended->end, appended->term, std::move(answer)});
  }
  pump(group);
}

void Node::transfer(GroupNumber group, raft::NodeId to) {
  if (!up_) return;
  if (hosted_[group].replica->transfer_leadership(to)) probe(Probe::kLeadershipTransferred);
  pump(group);
}

void Node::change_membership(GroupNumber group, const std::vector<raft::NodeId>& voters,
                             const std::vector<raft::NodeId>& learners) {
  if (!up_) return;
  Replica& replica = *hosted_[group].replica;
  if (replica.change_membership(voters, learners)) {
    scene_.world.note(describe(group) + " changes " + to_string(replica.group().membership()));
  }
  pump(group);
}

void Node::delete_records(GroupNumber group, Rng& rng) {
  if (!up_) return;
  Replica& replica = *hosted_[group].replica;
  const Offset end = rng.one_in(4) ? replica.log_end() : replica.committed();
  const std::int64_t range = end - replica.log_start();
  if (range <= 0) return;
  const Offset before = replica.log_start() +
                        static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(range) + 1));
  const bool is_allowed = before <= replica.committed();
  const auto deleted = replica.delete_records(before);
  if (deleted) probe(Probe::kRecordsDeleted);
  if (deleted && !is_allowed) {
    scene_.violations.add("kept-promises", describe(group) + " deletes up to " +
                                               std::to_string(before.value()) +
                                               ", behind what is committed");
  }
  pump(group);
}

void Node::read_index(GroupNumber group, std::uint64_t context) {
  if (!up_) return;
  run_when_awake(life_, [this, group, context] {
    if (hosted_[group].replica->read_index(context)) pump(group);
  });
}

void Node::reread(GroupNumber group, Rng& rng) {
  if (!up_ || paused_until_ns_ > scene_.world.now_ns()) return;
  Replica& replica = *hosted_[group].replica;
  const std::int64_t range = replica.committed() - replica.log_start();
  if (range <= 0) return;
  const Offset from =
      replica.log_start() + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(range)));
  const auto read = replica.read(from, 1U << rng.below(17), replica.committed(), false);
  const ReplicaView seen = view(group);
  for (auto& invariant : scene_.invariants) invariant->served(seen, from, read);
  pump(group);
}

}  // namespace penstock::sim
