#include "tests/sim/member.h"

#include <type_traits>
#include <utility>

#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

using client::MemberCore;
using std::chrono::milliseconds;

constexpr const char* kGroup = "readers";
constexpr const char* kTopic = "topic";
constexpr std::uint32_t kPartitions = 4;

constexpr std::int64_t kRequestTime = kMs;
constexpr std::int64_t kPatience = 2 * kSecond;
constexpr std::int64_t kBetweenSteps = 100 * kMs;
constexpr std::int32_t kSessionMs = 3'000;
constexpr std::int32_t kPollIntervalMs = 10'000;
// A step in so many is the last one of its process, ...
constexpr std::uint64_t kOneCrashIn = 200;
constexpr std::uint64_t kOneLeavesIn = 300;
// ... or is followed by a sleep, up to that long: sessions end in some, and last through others.
constexpr std::uint64_t kOneSleepsIn = 100;
constexpr std::uint64_t kLongestSleepMs = 6'000;

class OneTopic final : public group::TopicView {
 public:
  OneTopic() { shape_.id.bytes[0] = std::byte{0x77}; }
  Offset at() const override { return Offset(1); }
  std::optional<group::TopicShape> find(std::string_view name) const override {
    return name == kTopic ? std::optional(shape_) : std::nullopt;
  }
  std::optional<group::TopicShape> find(const Uuid& id) const override {
    return id == shape_.id ? std::optional(shape_) : std::nullopt;
  }
  std::vector<std::string> racks(const TopicPartition&) const override { return {}; }

 private:
  group::TopicShape shape_{.id = {}, .partitions = kPartitions};
};

group::PartitionSet to_set(const client::GroupPartitions& partitions) {
  return {partitions.begin(), partitions.end()};
}

client::GroupPartitions from_set(const group::PartitionSet& partitions) {
  return {partitions.begin(), partitions.end()};
}

}  // namespace

group::TopicViewPtr sim_topics() { return std::make_shared<const OneTopic>(); }
std::size_t sim_partitions() { return kPartitions; }

SimMember::SimMember(Scene& scene, std::string instance,
                     const std::vector<std::unique_ptr<Node>>& nodes, const GroupHomes& homes)
    : scene_(scene), instance_(std::move(instance)), nodes_(nodes), homes_(homes) {}

void SimMember::start() {
  new_process();
  step();
}

// The former one has gone without a word.
void SimMember::new_process() {
  ++process_;
  Rng& rng = scene_.world.rng();
  core_.emplace(rng.uuid(),
                client::MemberTiming{.heartbeat_interval = milliseconds(kSessionMs / 3),
                                     .moving_interval = milliseconds(250)},
                client::Backoff(milliseconds(50), milliseconds(1'000)), Rng(rng.next()));
  held_.clear();
  starts_.clear();
  is_committing_ = false;
  sleeps_until_ns_ = 0;
}

client::Instant SimMember::now() const {
  return client::now_of(NodeClock(scene_.world)) + std::chrono::hours(1);
}

void SimMember::step() {
  scene_.world.after(scene_.world.around(kBetweenSteps), [this] {
    if (stopped_) return;
    if (!is_asleep()) {
      meet_fate();
      beat();
      look_up(core_->take_unprepared());
      // Some are busy with what they have.
      if (healed_ || scene_.world.rng().one_in(2)) carry_out_changes();
      for (auto& [id, held] : held_) {
        held.position = held.position + static_cast<std::int64_t>(scene_.world.rng().below(4));
      }
      commit();
    }
    step();
  });
}

void SimMember::meet_fate() {
  Rng& rng = scene_.world.rng();
  if (healed_) return;
  if (rng.one_in(kOneCrashIn)) return new_process();
  if (rng.one_in(kOneSleepsIn)) {
    const auto sleep_ms = static_cast<std::int64_t>(rng.below(kLongestSleepMs));
    sleeps_until_ns_ = scene_.world.now_ns() + sleep_ms * kMs;
  } else if (core_->epoch() != 0 && rng.one_in(kOneLeavesIn)) {
    ask(group::Leave{.group = kGroup,
                     .member = {core_->member(), group::Epoch(core_->epoch())},
                     .departure = group::Departure::kMayReturn,
                     .topics = {},
                     .now = {}},
        [](const auto&) {});
    new_process();
  }
}

// --- the coordinator

// One answer, or the end of patience; a process that sleeps hears it when it wakes up.
template <typename Command, typename Done>
void SimMember::ask(Command command, Done done) {
  using Answer = Result<decltype(std::declval<const group::GroupState&>().handle(command)->answer)>;
  World& world = scene_.world;
  const auto waiting = std::make_shared<bool>(true);
  const std::function<void(const Answer&)> answer =
      [this, waiting, process = process_, done = std::move(done)](const Answer& outcome) {
        if (!std::exchange(*waiting, false)) return;
        const std::int64_t sleeps_ns = sleeps_until_ns_ - scene_.world.now_ns();
        scene_.world.after(std::max<std::int64_t>(sleeps_ns, 1), [this, process, done, outcome] {
          if (process == process_) done(outcome);
        });
      };
  world.after(kPatience, [answer] { answer(fail(unknown_outcome())); });
  if (is_lost()) return;
  const auto carry_back = [this, answer](const Answer& outcome) {
    if (is_lost()) return;
    scene_.world.after(scene_.world.around(kRequestTime), [answer, outcome] { answer(outcome); });
  };
  world.after(world.around(kRequestTime),
              [this, at = guess_, command = std::move(command), answer, carry_back] {
                GroupHome* const home = homes_[at].get();
                if (home == nullptr || nodes_[at]->is_paused()) {
                  return answer(fail(Errc::kConnectFailed));
                }
                if constexpr (std::is_same_v<Command, group::JoinOrHeartbeat>) {
                  home->heard(command.group, command.member);
                }
                home->carry_out(command, carry_back);
              });
}

bool SimMember::is_lost() { return !healed_ && scene_.world.chance(scene_.weather.loss); }

void SimMember::failed(const Error& error) {
  if (!error.retriable()) return;
  guess_ = healed_ ? (guess_ + 1) % nodes_.size() : scene_.world.rng().below(nodes_.size());
}

void SimMember::beat() {
  const auto heartbeat = core_->next_heartbeat(now());
  if (!heartbeat) return;
  ask(group::JoinOrHeartbeat{.group = kGroup,
                             .member = heartbeat->member,
                             .member_epoch = group::Epoch(heartbeat->epoch),
                             .owned = to_set(heartbeat->owned),
                             .profile = {.instance = instance_,
                                         .client = "sim",
                                         .host = "",
                                         .rack = "",
                                         .subscription = {.pattern = "", .topics = {kTopic}},
                                         .session_timeout_ms = kSessionMs,
                                         .poll_interval_ms = kPollIntervalMs},
                             .topics = {},
                             .now = {}},
      [this](const Result<group::Assignment>& answer) {
        if (answer) {
          return core_->take_answer({.epoch = answer->member_epoch.value(),
                                     .owned = from_set(answer->owned),
                                     .revoking = from_set(answer->revoking),
                                     .awaited = static_cast<std::uint32_t>(answer->awaited)},
                                    now());
        }
        if (answer.error().code() == Errc::kUnknownMember) probe(Probe::kMemberTakenForDead);
        failed(answer.error());
        core_->take_failure(answer.error(), now());
      });
}

// --- what it has

void SimMember::look_up(const client::GroupPartitions& partitions) {
  if (partitions.empty()) return;
  const std::int64_t asked_ns = scene_.world.now_ns();
  ask(group::FetchOffsets{.group = kGroup, .member = {}, .partitions = to_set(partitions)},
      [this, partitions, asked_ns](const Result<std::vector<group::FetchedPosition>>& answer) {
        if (!answer) {
          failed(answer.error());
          for (const TopicPartition& one : partitions) core_->not_prepared(one);
          return;
        }
        for (const group::FetchedPosition& one : *answer) {
          const Offset start = one.position ? one.position->offset : Offset(0);
          for (auto& invariant : scene_.invariants) {
            invariant->position_told(one.partition, asked_ns, start);
          }
          starts_[one.partition] = start;
          core_->prepared(one.partition);
        }
      });
}

void SimMember::carry_out_changes() {
  const MemberCore::Change change = core_->change();
  for (const client::GroupPartitions* gone : {&change.lost, &change.revoked}) {
    for (const TopicPartition& one : *gone) held_.erase(one);
    core_->let_go(*gone);
  }
  if (!change.revoked.empty()) probe(Probe::kPartitionHandedOver);
  for (const TopicPartition& one : core_->begin(change.assigned)) {
    const Offset start = starts_.at(one);
    held_[one] = {.begun_ns = scene_.world.now_ns(), .position = start, .committed = start};
  }
}

void SimMember::commit() {
  if (is_committing_ || core_->epoch() == 0) return;
  group::CommitOffsets command{
      .group = kGroup,
      .member = group::MemberCredential{core_->member(), group::Epoch(core_->epoch())},
      .positions = {},
      .topics = {},
      .now = {}};
  std::vector<CommitSeen> seen;
  for (const auto& [id, held] : held_) {
    if (held.position == held.committed) continue;
    command.positions.push_back({id, held.position, Term(-1), ""});
    seen.push_back({.partition = id,
                    .offset = held.position,
                    .member = core_->member(),
                    .begun_ns = held.begun_ns,
                    .asked_ns = scene_.world.now_ns()});
  }
  if (seen.empty()) return;
  is_committing_ = true;
  ask(std::move(command), [this, seen = std::move(seen),
                           epoch = core_->epoch()](const Result<group::Committed>& answer) {
    is_committing_ = false;
    if (answer) return committed(seen);
    const bool unknown = answer.error().outcome() == Outcome::kMaybeDone;
    probe(unknown ? Probe::kCommitOutcomeUnknown : Probe::kCommitRefused);
    failed(answer.error());
    if (answer.error().code() == Errc::kStaleMemberEpoch) core_->hurry();
    if (answer.error().code() == Errc::kUnknownMember) core_->declared_dead(epoch, now());
  });
}

void SimMember::committed(const std::vector<CommitSeen>& seen) {
  committed_ns_ = seen.front().asked_ns;
  for (CommitSeen one : seen) {
    one.told_ns = scene_.world.now_ns();
    for (auto& invariant : scene_.invariants) invariant->position_committed(one);
    const auto held = held_.find(one.partition);
    if (held != held_.end() && held->second.begun_ns == one.begun_ns) {
      held->second.committed = one.offset;
    }
  }
}

}  // namespace penstock::sim
