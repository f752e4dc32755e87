// Life and death of a process. Its work: node_shell.cc; what is asked of it: node_requests.cc.
#include "tests/sim/node.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "tests/sim/probes.h"
#include "tests/sim/rot.h"

namespace penstock::sim {
namespace {

using broker::Replica;

constexpr std::uint64_t kSegmentBytes = 16U << 10;  // rolls are frequent

storage::LogOptions log_options() {
  return {.segment_bytes = kSegmentBytes,
          .retention_ms = std::nullopt,
          .retention_bytes = std::nullopt,
          .index_interval_bytes = 512,
          .checkpoint_bytes = 8U << 10};
}

}  // namespace

Node::Node(Scene& scene, raft::NodeId id, std::unique_ptr<Resident> resident)
    : scene_(scene), id_(id), resident_(std::move(resident)), clock_(scene.world) {
  replace_disk(id);
}

Node::~Node() = default;

void Node::replace_disk(raft::NodeId new_id) {
  PENSTOCK_ASSERT(!up_, "a disk is changed while the process is down");
  id_ = new_id;
  disk_ = std::make_unique<fakes::FakeEnv>();
  for (const char* folder : {"/data/votes", "/data/trash"}) {
    const Status made = disk_->create_dirs(folder);
    PENSTOCK_ASSERT(made, "a new disk takes a folder");
  }
  disk_->sync_everything();
  disk_->set_cold(scene_.weather.cold_reads > 0);
  resident_->forget();
}

std::string Node::folder(GroupNumber group) { return "/data/group-" + std::to_string(group); }

std::string Node::describe(GroupNumber group) const {
  return to_string(id_) + "/" + std::to_string(group);
}

Node::Hosted* Node::find(GroupNumber group) {
  const auto found = hosted_.find(group);
  return up_ && found != hosted_.end() ? &found->second : nullptr;
}

ReplicaView Node::view(GroupNumber group, const broker::ReplicaOutput* output) {
  const bool is_metadata = scene_.groups.name_of(group) == TopicPartition{};
  return {id_, group, *hosted_.at(group).replica, output, intact_, is_metadata, disk_.get()};
}

Replica* Node::replica(GroupNumber group) {
  Hosted* const found = find(group);
  return found == nullptr ? nullptr : found->replica.get();
}

std::vector<GroupNumber> Node::hosted() const {
  std::vector<GroupNumber> groups;
  for (const auto& [group, hosted] : hosted_) groups.push_back(group);
  return groups;
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
  resident_->start(*this);
}

Status Node::open(GroupNumber group, raft::Membership first, broker::StateAtStart* state) {
  const TopicPartition& name = scene_.groups.name_of(group);
  auto opened = Replica::open(*disk_, clock_, folder(group), {name}, log_options(),
                              {.self = id_,
                               .first_membership = std::move(first),
                               .raft = {},
                               .seed = scene_.world.rng().next(),
                               .state = state},
                              votes_->find(name));
  if (!opened) {
    if (opened.error().code() != Errc::kDiskFull) {
      die(describe(group) + " cannot be opened: " + opened.error().to_string());
    }
    return fail(opened.error());
  }
  if (!opened->report.damage.empty() && intact_) {
    scene_.violations.add("no-false-alarm", describe(group) + " calls itself damaged");
  }
  if (opened->report.truncated_bytes > 0) probe(Probe::kUnsyncedLost);
  for (const auto& damage : opened->report.damage) {
    scene_.world.note(describe(group) + " is damaged in [" + std::to_string(damage.begin.value()) +
                      ", " + std::to_string(damage.end.value()) + "): " + damage.reason);
  }
  Hosted& hosted = hosted_[group];
  hosted.opened = ++openings_;
  hosted.replica = std::move(opened->replica);
  scene_.world.note(describe(group) + " opens " + hosted.replica->group().describe() + ", " +
                    std::to_string(opened->report.truncated_bytes) + " bytes were torn");
  for (auto& invariant : scene_.invariants) invariant->started(view(group), intact_);
  return {};
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
  resident_->crash();
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

// Its votes first: a vote without its log would look like a log that was lost, and be kept from
// voting; a log without its vote is only the copy of somebody whom nobody asks.
bool Node::trash(GroupNumber group, Gone why) {
  PENSTOCK_ASSERT(can_trash(), "asked before");
  scene_.world.note(describe(group) + " goes to trash");
  // A crash in the middle of it leaves it or not.
  for (auto& invariant : scene_.invariants) invariant->trashed(id_, group, why);
  if (auto hosted = hosted_.extract(group); !hosted.empty()) {
    for (Waiter& waiter : hosted.mapped().waiters) waiter.answer(fail(unknown_outcome()));
  }
  Status done = votes_->forget(scene_.groups.name_of(group));
  if (done && votes_->needs_flush()) {
    const broker::VoteStore::FlushTicket ticket = votes_->begin_flush();
    done = ticket.run();
    votes_->complete_flush(ticket, done);
  }
  const std::string to = "/data/trash/" + std::to_string(++openings_);
  if (done) done = disk_->rename(folder(group), to);
  if (done) done = disk_->sync_dir("/data/trash");
  if (done) done = disk_->sync_dir("/data");
  if (done) done = disk_->remove_tree(to);
  if (!done) {
    die(describe(group) + " cannot go to trash: " + done.error().to_string());
    return false;
  }
  return votes_were_saved(std::exchange(unsaved_votes_, {}));
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

std::vector<std::string> Node::log_folders() const {
  std::vector<std::string> folders;
  for (GroupNumber group = 0; group < scene_.groups.count(); ++group) {
    folders.push_back(folder(group));
  }
  return folders;
}

void Node::rot() { note_rot("rots in", sim::rot(*disk_, log_folders(), scene_.world.rng())); }

void Node::shorten() {
  const auto where = sim::shorten(*disk_, log_folders(), scene_.world.rng());
  if (where) probe(Probe::kLogShortened);
  note_rot("loses the end of", where);
}

void Node::note_rot(const char* how, const std::optional<std::string>& where) {
  if (!where) return;
  intact_ = false;
  scene_.world.note(to_string(id_) + " " + how + " " + *where);
}

// What fails meanwhile is a crash in the middle of it.
void Node::stop() {
  if (!up_) return;
  for (auto& [group, hosted] : hosted_) static_cast<void>(hosted.replica->close());
  crash();
}

void Node::later(std::int64_t delay_ns, World::Action action) {
  scene_.world.after(delay_ns, [this, life = life_, action = std::move(action)]() mutable {
    run_when_awake(life, std::move(action));
  });
}

void Node::later_for(GroupNumber group, std::int64_t delay_ns,
                     std::move_only_function<void(Hosted&)> action) {
  later(delay_ns,
        [this, group, opened = hosted_.at(group).opened, action = std::move(action)]() mutable {
          Hosted* const hosted = find(group);
          if (hosted != nullptr && hosted->opened == opened) action(*hosted);
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

}  // namespace penstock::sim
