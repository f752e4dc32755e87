// A life of a whole cluster: one broker begins it, others join, an operator keeps them busy.
#include <algorithm>

#include "broker/controller/voters.h"
#include "tests/sim/broker.h"
#include "tests/sim/operator.h"
#include "tests/sim/stage.h"

namespace penstock::sim {
namespace {

constexpr std::int64_t kRecoveryTime = 20 * kSecond;
// Replicas may have to be moved one after the other.
constexpr std::int64_t kLongestMoves = 60 * kSecond;

class ClusterLife final : public Stage {
 public:
  explicit ClusterLife(const LifeOptions& options) : Stage(options) {
    groups_.number_of({});  // the metadata
    const int count = 3 + static_cast<int>(world_.rng().below(4));
    for (int i = 0; i < count; ++i) {
      const raft::NodeId number = i == 0 ? kFirstBroker : raft::kNobody;
      auto broker = std::make_unique<SimBroker>(scene_, brokers_, number);
      brokers_.push_back(broker.get());
      nodes_.push_back(std::make_unique<Node>(scene_, number, std::move(broker)));
    }
    operator_.emplace(scene_, brokers_);
    add_clients(2);
  }

 private:
  enum class Learners { kNone, kMayBe };

  void start() override { operator_->start(); }
  void stop() override { operator_->stop(); }

  // Liveness: what the operator asked for last is answered, every placement is reached, brokers
  // that were to be emptied are empty, nobody holds what nobody wants, and all of it works.
  void heal() override {
    run(kRecoveryTime);
    for (std::int64_t waited = 0; waited < kLongestMoves && !unsettled().empty();
         waited += kSecond) {
      world_.note("not settled: " + unsettled());
      run(kSecond);
    }
    if (const std::string why = unsettled(); !why.empty()) violations_.add("liveness", why);
    if (!operator_->is_idle()) violations_.add("liveness", "a command is not answered");
    if (!violations_.none()) return;
    const std::int64_t settled_ns = world_.now_ns();
    run(kRecoveryTime);
    check_working(groups_.in_use(), settled_ns);
    come_to_rest();
    if (!violations_.none()) return;
    const broker::ImagePtr image = newest_image();
    for (auto& invariant : invariants_) invariant->settled(*image);
    check_level(0);
    for_each_partition(
        *image, [&](const broker::PartitionImage&, GroupNumber group) { check_level(group); });
    for (auto& invariant : invariants_) invariant->ended();
  }

  broker::ImagePtr newest_image() {
    broker::ImagePtr newest = std::make_shared<const broker::ClusterImage>();
    for (SimBroker* broker : brokers_) {
      if (!broker->is_up()) continue;
      const broker::ImagePtr image = broker->metadata()->image();
      if (image->applied() > newest->applied()) newest = image;
    }
    return newest;
  }

  void for_each_partition(const broker::ClusterImage& image, auto&& action) {
    for (const auto& [name, topic] : image.topics()) {
      for (std::uint32_t p = 0; p < topic->partitions; ++p) {
        action(*topic->placement[p],
               groups_.number_of({topic->id, PartitionId(static_cast<std::int32_t>(p))}));
      }
    }
  }

  // Whether the broker knows its number. One that was decommissioned before it heard of it never
  // will: the operator removes it.
  bool is_told(raft::NodeId number) const {
    return std::ranges::any_of(brokers_,
                               [&](const SimBroker* broker) { return broker->number() == number; });
  }

  bool is_sent_away_untold(const broker::ClusterImage& image) const {
    return std::ranges::any_of(image.brokers(), [&](const auto& entry) {
      return entry.second.mode == broker::BrokerMode::kDecommissioned && !is_told(entry.first);
    });
  }

  // What is not yet as it should be; empty: nothing.
  std::string unsettled() {
    const broker::ImagePtr image = newest_image();
    if (image->brokers().size() == 0) return "nobody has registered";
    for (const auto& [id, topic] : image->deleted()) {
      if (std::ranges::none_of(topic.awaited, [&](auto number) { return is_told(number); })) {
        continue;
      }
      return "files of deleted topic " + topic.name + " are awaited from " +
             broker::to_string(topic.awaited) + " of " + describe(image->brokers());
    }
    for (SimBroker* broker : brokers_) {
      const bool is_refused = broker->number() == raft::kNobody && is_sent_away_untold(*image);
      if (!broker->is_up() && !is_refused) return to_string(broker->number()) + " is not up";
    }
    // With nobody in service the voters stay as they are.
    const broker::ReplicaList voters = wanted_voters(*image);
    std::string why = voters.empty() ? "" : wrong_members(0, voters, Learners::kMayBe);
    for_each_partition(*image, [&](const broker::PartitionImage& placed, GroupNumber group) {
      if (why.empty()) why = wrong_members(group, placed.brokers(), Learners::kNone);
    });
    if (!why.empty()) return why;
    for (const auto& [id, broker] : image->brokers()) {
      if (broker.is_leaving()) {
        return to_string(id) + " is still to be emptied; " + describe(image->brokers());
      }
    }
    return unwanted_copies(*image);
  }

  static std::string describe(const broker::ClusterImage::Brokers& brokers) {
    std::string text;
    for (const auto& [id, broker] : brokers) {
      text += (text.empty() ? "" : ", ") + to_string(id) + " " +
              std::string(broker::to_string(broker.mode));
    }
    return text;
  }

  std::string wrong_members(GroupNumber group, broker::ReplicaList wanted, Learners learners) {
    std::ranges::sort(wanted);
    Node* const leader = leader_of(group);
    if (leader == nullptr)
      return "group " + std::to_string(group) + " has no leader: " + states(group);
    const raft::Group& now = leader->replica(group)->group();
    const bool reached = now.membership_is_committed() && !now.membership().is_joint() &&
                         now.membership().voters == wanted &&
                         (learners == Learners::kMayBe || now.membership().learners.empty());
    if (reached) return "";
    return "group " + std::to_string(group) + " should have " + broker::to_string(wanted) + ": " +
           states(group);
  }

  broker::ReplicaList wanted_voters(const broker::ClusterImage& image) {
    Node* const leader = leader_of(0);
    if (leader == nullptr) return {};
    std::vector<broker::VoterCandidate> candidates;
    for (const auto& [id, broker] : image.brokers()) {
      candidates.push_back({id, broker.rack, broker.is_active(), true});
    }
    return broker::plan_voters(candidates, leader->replica(0)->group().membership().voters).voters;
  }

  std::string unwanted_copies(const broker::ClusterImage& image) {
    for (SimBroker* broker : brokers_) {
      if (image.find(broker->number()) == nullptr) continue;  // it hears nothing any more
      for (const GroupNumber group : broker->node().hosted()) {
        if (group == 0) continue;
        const TopicPartition& id = groups_.name_of(group);
        const broker::TopicPtr topic = image.find(id.topic);
        if (topic != nullptr && topic->partition(id.partition).has(broker->number())) continue;
        return to_string(broker->number()) + " still holds a copy of group " +
               std::to_string(group) + ": " + broker->copies()->why_kept(image, group) + "; " +
               states(group);
      }
    }
    return "";
  }

  Brokers brokers_;
  std::optional<Operator> operator_;
};

}  // namespace

std::unique_ptr<Stage> make_cluster_life(const LifeOptions& options) {
  return std::make_unique<ClusterLife>(options);
}

}  // namespace penstock::sim
