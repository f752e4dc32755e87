#include "tests/sim/trouble.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr double kDownTime_s = 2;
constexpr double kPartitionTime_s = 4;
// About as long as it takes to be replaced.
constexpr double kDeafTime_s = 1.5;
constexpr double kPauseTime_s = 2;
constexpr double kDiskFullTime_s = 3;

std::int64_t seconds(double s) {
  return static_cast<std::int64_t>(s * static_cast<double>(kSecond));
}

}  // namespace

Trouble::Trouble(Scene& scene, std::vector<std::unique_ptr<Node>>& nodes)
    : scene_(scene), nodes_(nodes) {}

void Trouble::every(double mean_s, std::function<void()> what) {
  if (mean_s <= 0) return;
  scene_.world.after(scene_.world.around(seconds(mean_s)), [this, mean_s, what = std::move(what)] {
    if (stopped_) return;
    what();
    every(mean_s, what);
  });
}

void Trouble::start() {
  World& world = scene_.world;
  const Weather& weather = scene_.weather;
  every(weather.partition_every_s, [this] { partition(); });
  every(weather.deaf_leader_every_s, [this] { deafen_leader(); });
  every(weather.reset_every_s, [this] { scene_.network.reset(); });
  every(weather.crash_every_s, [this] {
    Node& node = any_node();
    node.crash();
    start_later(node);
  });
  every(weather.crash_in_disk_every_s, [this] { crash_in_disk_call(); });
  every(weather.disk_error_every_s, [this] { fail_disk_call(); });
  every(weather.crash_all_every_s, [this] { crash_all(); });
  every(weather.pause_every_s,
        [this, &world] { any_node().pause(world.around(seconds(kPauseTime_s))); });
  every(weather.clock_jump_every_s, [this, &world] {
    any_node().jump_clock(static_cast<std::int64_t>(world.rng().below(120'000)) - 60'000);
  });
  every(weather.disk_full_every_s, [this, &world] {
    Node& node = any_node();
    node.fill_disk();
    world.after(world.around(seconds(kDiskFullTime_s)), [&node] { node.free_disk(); });
  });
  every(weather.transfer_every_s, [this] {
    const GroupNumber group = any_group();
    if (Node* from = leader(group)) from->transfer(group, any_node().id());
  });
  if (weather.rot) {
    // One node in a life: of each record there is a good copy.
    every(10, [this, &node = any_node()] { rot(node); });
  } else {
    every(weather.membership_every_s, [this] { change_membership(); });
  }
  if (weather.lost_disk) every(5, [this] { lose_disk(); });
  every(weather.delete_records_every_s, [this, &world] {
    // The log of a state machine is shortened by its host alone.
    const std::vector<GroupNumber>& groups = scene_.groups.in_use();
    any_node().delete_records(groups[world.rng().below(groups.size())], world.rng());
  });
}

void Trouble::stop() {
  stopped_ = true;
  scene_.world.note("everything heals");
  scene_.network.heal();
  scene_.network.calm();
  for (auto& node : nodes_) {
    node->free_disk();
    node->calm_disk();
    node->start();
  }
}

Node& Trouble::any_node() { return *nodes_[scene_.world.rng().below(nodes_.size())]; }

GroupNumber Trouble::any_group() {
  return static_cast<GroupNumber>(
      scene_.world.rng().below(static_cast<std::uint64_t>(scene_.groups.count())));
}

Node* Trouble::leader(GroupNumber group) {
  for (auto& node : nodes_) {
    const auto* replica = node->replica(group);
    if (replica != nullptr && replica->role() == raft::Role::kLeader) return node.get();
  }
  return nullptr;
}

void Trouble::start_later(Node& node) {
  scene_.world.after(scene_.world.around(seconds(kDownTime_s)), [&node] { node.start(); });
}

// Two halves, one alone, one direction only, or a bridge (one node sees both sides).
void Trouble::partition() {
  World& world = scene_.world;
  const std::uint64_t kind = world.rng().below(4);
  const std::size_t special = world.rng().below(nodes_.size());
  const std::uint64_t sides = world.rng().next();
  for (std::size_t a = 0; a < nodes_.size(); ++a) {
    for (std::size_t b = 0; b < nodes_.size(); ++b) {
      const bool apart = ((sides >> a) & 1U) != ((sides >> b) & 1U);
      const bool cut = (kind == 0 && apart) || (kind == 1 && (a == special) != (b == special)) ||
                       (kind == 2 && a == special && b != special) ||
                       (kind == 3 && apart && a != special && b != special);
      if (cut) scene_.network.cut(nodes_[a]->id(), nodes_[b]->id());
    }
  }
  world.note("partition of kind " + std::to_string(kind));
  world.after(world.around(seconds(kPartitionTime_s)), [this] { scene_.network.heal(); });
}

// It does not learn of its successor, who may be there at once if it was asked to take over.
void Trouble::deafen_leader() {
  World& world = scene_.world;
  const GroupNumber group = any_group();
  Node* const deaf = leader(group);
  if (deaf == nullptr) return;
  const bool hands_over = world.rng().one_in(2);
  const bool is_mute = !hands_over && world.rng().one_in(2);
  if (hands_over) deaf->transfer(group, any_node().id());
  for (const auto& other : nodes_) {
    if (other.get() == deaf) continue;
    scene_.network.cut(other->id(), deaf->id());
    if (is_mute) scene_.network.cut(deaf->id(), other->id());
  }
  world.note(to_string(deaf->id()) + " hears nobody");
  world.after(world.around(seconds(kDeafTime_s)), [this] { scene_.network.heal(); });
}

void Trouble::crash_in_disk_call() {
  World& world = scene_.world;
  Node& node = any_node();
  node.fail_disk_call({.fault = fakes::Fault::kKill, .at_call = world.rng().below(20)});
  restart_later(node);
}

void Trouble::fail_disk_call() {
  World& world = scene_.world;
  Node& node = any_node();
  constexpr std::uint32_t kKinds[] = {fakes::kEveryCall, fakes::kSync | fakes::kSyncDir,
                                      fakes::kRead, fakes::kWrite | fakes::kAllocate};
  constexpr fakes::Fault kFaults[] = {fakes::Fault::kIoError, fakes::Fault::kShortWrite,
                                      fakes::Fault::kDiskFull};
  node.fail_disk_call({.fault = kFaults[world.rng().below(std::size(kFaults))],
                       .at_call = world.rng().below(20),
                       .calls = kKinds[world.rng().below(std::size(kKinds))]});
  restart_later(node);
}

// Whether it died by then or not.
void Trouble::restart_later(Node& node) {
  scene_.world.after(scene_.world.around(seconds(kDownTime_s)), [&node] {
    node.crash();
    node.start();
  });
}

// Where the others can decide without it, and nobody is in the middle of changing who decides.
bool Trouble::is_safe_to_lose(const Node& lost) {
  for (GroupNumber group = 0; group < scene_.groups.count(); ++group) {
    Node* const leads = leader(group);
    if (leads == nullptr) return false;
    const raft::Membership wanted = leads->replica(group)->group().membership();
    if (wanted.is_joint() || (wanted.is_voter(lost.id()) && wanted.voters.size() < 3)) return false;
    for (const auto& node : nodes_) {
      auto* const replica = node->replica(group);
      if (replica == nullptr) return false;
      const raft::Group& seen = replica->group();
      const bool agrees = !wanted.contains(node->id()) ||
                          (seen.membership() == wanted && seen.membership_is_committed());
      if (!agrees) return false;
    }
  }
  return true;
}

void Trouble::lose_disk() {
  Node& node = any_node();
  if (lost_once_ || !is_safe_to_lose(node)) return;
  lost_once_ = true;
  probe(Probe::kDiskLost);
  lost_.emplace(node.id(), raft::NodeId(static_cast<std::int32_t>(nodes_.size()) + 1));
  scene_.world.note(to_string(node.id()) + " loses its disk");
  node.crash();
  node.replace_disk(lost_->second);
  start_later(node);
  replace_lost();
}

void Trouble::replace_lost() {
  if (!lost_) return;
  const auto [old, fresh] = *lost_;
  bool done = true;
  for (GroupNumber group = 0; group < scene_.groups.count(); ++group) {
    Node* const node = leader(group);
    if (node == nullptr || !node->replica(group)->is_ready()) {
      done = false;
      continue;
    }
    const raft::Group& now = node->replica(group)->group();
    const raft::Membership& members = now.membership();
    if (!members.contains(old) && now.membership_is_committed()) continue;
    done = false;
    std::vector<raft::NodeId> voters = members.voters;
    std::vector<raft::NodeId> learners = members.learners;
    std::erase(learners, old);
    if (!members.contains(fresh)) {
      learners.push_back(fresh);
    } else if (std::erase(voters, old) > 0) {
      std::erase(learners, fresh);
      if (!members.is_voter(fresh)) voters.push_back(fresh);
    }
    node->change_membership(group, voters, learners);
  }
  if (done) {
    probe(Probe::kLostDiskReplaced);
    lost_.reset();
  }
  scene_.world.after(scene_.world.around(kSecond / 2), [this] { replace_lost(); });
}

void Trouble::crash_all() {
  probe(Probe::kAllCrashed);
  for (auto& node : nodes_) {
    node->crash();
    start_later(*node);
  }
}

void Trouble::rot(Node& node) {
  World& world = scene_.world;
  if (scene_.weather.shortened && world.rng().one_in(2)) {
    if (world.rng().one_in(2)) node.stop();
    node.crash();
    node.shorten();
  } else {
    node.crash();
    node.rot();
  }
  start_later(node);
}

void Trouble::change_membership() {
  World& world = scene_.world;
  const GroupNumber group = any_group();
  Node* node = leader(group);
  if (node == nullptr || lost_) return;
  const raft::Membership& now = node->replica(group)->group().membership();
  std::vector<raft::NodeId> voters;
  std::vector<raft::NodeId> learners;
  if (!now.learners.empty() && world.rng().one_in(2)) {
    // Learners that keep up become voters, and some voters go.
    voters = now.voters;
    voters.insert(voters.end(), now.learners.begin(), now.learners.end());
    while (voters.size() > 1 && world.rng().one_in(2)) {
      voters.erase(voters.begin() + static_cast<std::ptrdiff_t>(world.rng().below(voters.size())));
    }
    std::ranges::sort(voters);
  } else {
    voters = now.voters;
    for (const auto& other : nodes_) {
      if (!now.is_voter(other->id()) && world.rng().one_in(2)) learners.push_back(other->id());
    }
  }
  node->change_membership(group, voters, learners);
}

}  // namespace penstock::sim
