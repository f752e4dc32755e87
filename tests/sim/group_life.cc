// A life of a few groups that are always there.
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

// Opens the same groups at every start.
class FixedGroups final : public Resident {
 public:
  explicit FixedGroups(const std::vector<raft::Membership>& first) : first_(first) {}

  void start(Node& node) override {
    const auto groups = static_cast<GroupNumber>(first_.size());
    for (GroupNumber group = 0; group < groups; ++group) {
      if (!node.open(group, first_[static_cast<std::size_t>(group)])) return;
    }
    for (GroupNumber group = 0; node.is_up() && group < groups; ++group) node.pump(group);
  }

 private:
  const std::vector<raft::Membership>& first_;
};

class GroupLife final : public Stage {
 public:
  explicit GroupLife(const LifeOptions& options) : Stage(options) {
    const auto groups = 1 + static_cast<int>(world_.rng().below(3));
    // Three or five nodes; every group begins with three of them or all.
    const int count = world_.rng().one_in(2) ? 3 : 5;
    for (GroupNumber group = 0; group < groups; ++group) {
      groups_.use(groups_.number_of(identity(group)));
      raft::Membership membership;
      const int voters = world_.rng().one_in(2) ? count : 3;
      for (int i = 0; i < voters; ++i) membership.voters.emplace_back(i + 1);
      first_.push_back(std::move(membership));
    }
    for (int i = 0; i < count; ++i) {
      nodes_.push_back(std::make_unique<Node>(scene_, raft::NodeId(i + 1),
                                              std::make_unique<FixedGroups>(first_)));
    }
    add_clients(2);
  }

 private:
  // Liveness: with everything healed, every group takes records again, and all its members come to
  // hold the same.
  void heal() override {
    run(kRecoveryTime / 2);
    const std::int64_t healed_ns = world_.now_ns();
    run(kRecoveryTime / 2);
    check_working(groups_.in_use(), healed_ns);
    if (trouble_.is_mourning()) violations_.add("liveness", "a lost node is not replaced");
    come_to_rest();
    if (!violations_.none()) return;
    for (GroupNumber group = 0; group < groups_.count(); ++group) check_level(group);
    for (auto& invariant : invariants_) invariant->ended();
  }

  std::vector<raft::Membership> first_;  // by group
};

}  // namespace

std::unique_ptr<Stage> make_group_life(const LifeOptions& options) {
  return std::make_unique<GroupLife>(options);
}

}  // namespace penstock::sim
