// A life of a few groups that are always there.
#include "tests/sim/member.h"
#include "tests/sim/stage.h"

namespace penstock::sim {
namespace {

// Longer than any election with everything healed, a slow disk included.
constexpr std::int64_t kRecoveryTime = 20 * kSecond;

TopicPartition identity(GroupNumber group) {
  Uuid topic;
  topic.bytes[0] = std::byte{0x51};
  return {topic, PartitionId(group)};
}

// Opens the same groups at every start; consumer groups live in the last one.
class FixedGroups final : public Resident {
 public:
  FixedGroups(Scene& scene, const std::vector<raft::Membership>& first,
              std::unique_ptr<GroupHome>& home)
      : scene_(scene), first_(first), home_(home) {}

  void start(Node& node) override {
    const GroupNumber last = home_number();
    for (GroupNumber group = 0; group < last; ++group) {
      if (!node.open(group, first_[static_cast<std::size_t>(group)])) return;
    }
    home_ = GroupHome::open(scene_, node, last, first_.back(), sim_topics());
    for (GroupNumber group = 0; node.is_up() && group <= last; ++group) node.pump(group);
  }
  void crash() override {
    // It may be what the process is doing right now.
    scene_.world.after(0, [home = std::move(home_)] {});
  }
  bool follow(GroupNumber group, const broker::ReplicaOutput& output) override {
    return group == home_number() && home_ != nullptr && home_->follow(output);
  }

 private:
  GroupNumber home_number() const { return static_cast<GroupNumber>(first_.size()) - 1; }

  Scene& scene_;
  const std::vector<raft::Membership>& first_;
  std::unique_ptr<GroupHome>& home_;
};

class GroupLife final : public Stage {
 public:
  explicit GroupLife(const LifeOptions& options) : Stage(options) {
    const auto groups = 1 + static_cast<int>(world_.rng().below(3));
    // Three or five nodes; every group begins with three of them or all.
    const int count = world_.rng().one_in(2) ? 3 : 5;
    for (GroupNumber group = 0; group <= groups; ++group) {
      const GroupNumber number = groups_.number_of(identity(group));
      if (group < groups) groups_.use(number);
      raft::Membership membership;
      const int voters = world_.rng().one_in(2) ? count : 3;
      for (int i = 0; i < voters; ++i) membership.voters.emplace_back(i + 1);
      first_.push_back(std::move(membership));
    }
    homes_.resize(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      auto& home = homes_[static_cast<std::size_t>(i)];
      nodes_.push_back(std::make_unique<Node>(scene_, raft::NodeId(i + 1),
                                              std::make_unique<FixedGroups>(scene_, first_, home)));
    }
    add_clients(2);
    for (const char* const instance : {"", "", "static"}) {
      members_.push_back(std::make_unique<SimMember>(scene_, instance, nodes_, homes_));
    }
  }

 private:
  void start() override {
    for (auto& member : members_) member->start();
  }
  void stop() override {
    for (auto& member : members_) member->healed();
  }

  // Liveness: with everything healed, every group takes records again, and all its members come to
  // hold the same; consumers have all partitions, and commit.
  void heal() override {
    run(kRecoveryTime / 2);
    const std::int64_t healed_ns = world_.now_ns();
    run(kRecoveryTime / 2);
    check_working(groups_.in_use(), healed_ns);
    check_members(healed_ns);
    for (auto& member : members_) member->stop();
    if (trouble_.is_mourning()) violations_.add("liveness", "a lost node is not replaced");
    come_to_rest();
    if (!violations_.none()) return;
    for (GroupNumber group = 0; group < groups_.count(); ++group) check_level(group);
    for (auto& invariant : invariants_) invariant->ended();
  }

  void check_members(std::int64_t healed_ns) {
    std::size_t held = 0;
    for (const auto& member : members_) {
      held += member->holds();
      if (!member->works(healed_ns)) {
        violations_.add("liveness", "a consumer has not what it shall have, or cannot commit: " +
                                        states(groups_.count() - 1));
      }
    }
    if (held == sim_partitions()) return;
    violations_.add("liveness", "consumers hold " + std::to_string(held) + " partitions of " +
                                    std::to_string(sim_partitions()));
  }

  std::vector<raft::Membership> first_;  // by group
  GroupHomes homes_;
  std::vector<std::unique_ptr<SimMember>> members_;
};

}  // namespace

std::unique_ptr<Stage> make_group_life(const LifeOptions& options) {
  return std::make_unique<GroupLife>(options);
}

}  // namespace penstock::sim
