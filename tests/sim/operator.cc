#include "tests/sim/operator.h"

#include <algorithm>
#include <iterator>

#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr std::size_t kMaxTopics = 4;
constexpr std::uint32_t kMaxPartitions = 4;
constexpr std::int64_t kBetweenAttempts = 200 * kMs;

}  // namespace

Operator::Operator(Scene& scene, Brokers& brokers)
    : scene_(scene),
      brokers_(brokers),
      between_ns_(static_cast<std::int64_t>(scene.world.rng().below(2'000) + 200) * kMs),
      sends_brokers_away_(scene.world.rng().one_in(2)),
      contact_(brokers.front()) {}

void Operator::start() { next(); }

void Operator::next() {
  scene_.world.after(scene_.world.around(between_ns_), [this] {
    if (stopped_) return;
    if (!is_waiting_) act();
    next();
  });
}

void Operator::tell(const ToldCommand& told) {
  for (auto& invariant : scene_.invariants) invariant->told(told);
}

// Until somebody can decide on it. `done`: carried out; `maybe`: nobody knows.
template <typename Command>
void Operator::ask(Command command, std::function<void(bool done, bool maybe)> then) {
  is_waiting_ = true;
  SimBroker& to = *contact_;
  post(scene_, to, command, [this, &to, command, then](const auto& outcome) {
    if (outcome) {
      is_waiting_ = false;
      return then(true, false);
    }
    const Errc code = outcome.error().code();
    contact_ = &next_to_ask(scene_, brokers_, to);
    const bool ask_again = code == Errc::kNotLeader || code == Errc::kNotReady ||
                           code == Errc::kConnectFailed || code == Errc::kDiskFull;
    if (!ask_again) {
      is_waiting_ = false;
      const bool maybe = outcome.error().outcome() == Outcome::kMaybeDone;
      if (maybe) probe(Probe::kCommandOutcomeUnknown);
      return then(false, maybe);
    }
    scene_.world.after(scene_.world.around(kBetweenAttempts),
                       [this, command, then] { ask(command, then); });
  });
}

void Operator::act() {
  Rng& rng = scene_.world.rng();
  if (topics_.size() < kMaxTopics && (topics_.empty() || rng.one_in(3))) return create();
  const auto topic =
      std::next(topics_.begin(), static_cast<std::ptrdiff_t>(rng.below(topics_.size())));
  const std::string name = topic->first;
  switch (rng.below(10)) {
    case 0:
      return remove(name);
    case 1:
      return grow(name);
    case 2:
    case 3:
      return change_factor(name);
    case 4:
    case 5:
    case 6:
      return move(name);
    default:
      return change_broker();
  }
}

// --- topics

void Operator::use(const Uuid& topic, std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t p = from; p < to; ++p) {
    scene_.groups.use(scene_.groups.number_of({topic, PartitionId(static_cast<std::int32_t>(p))}));
  }
}

void Operator::leave(const Uuid& topic, std::uint32_t partitions) {
  for (std::uint32_t p = 0; p < partitions; ++p) {
    scene_.groups.leave(
        scene_.groups.number_of({topic, PartitionId(static_cast<std::int32_t>(p))}));
  }
}

void Operator::create() {
  Rng& rng = scene_.world.rng();
  // Names come again: the topic of that name is another one then.
  std::string name = "t" + std::to_string(rng.below(6));
  if (topics_.contains(name)) name = "n" + std::to_string(++names_);
  const Topic topic{rng.uuid(), 1 + static_cast<std::uint32_t>(rng.below(2))};
  const auto factor = static_cast<std::uint32_t>(rng.one_in(3) ? 1 : 3);
  using enum ToldCommand::What;
  tell({kCreate, topic.id, topic.partitions, false});
  tell({kFactor, topic.id, factor, false});
  topics_[name] = topic;
  ask(broker::CreateTopic{.name = name,
                          .partitions = topic.partitions,
                          .replication_factor = factor,
                          .settings = {},
                          .id = topic.id,
                          .now = {}},
      [this, name, topic](bool done, bool maybe) {
        if (!done && !maybe) topics_.erase(name);
        if (!done) return;
        tell({kCreate, topic.id, topic.partitions, true});
        topics_[name].sure = true;
        use(topic.id, 0, topic.partitions);
      });
}

void Operator::remove(const std::string& name) {
  const Topic topic = topics_[name];
  leave(topic.id, topic.partitions);
  tell({ToldCommand::What::kDelete, topic.id, 0, false});
  ask(broker::DeleteTopic{.name = name, .now = {}}, [this, name, topic](bool done, bool) {
    if (!done) return;  // it is tried again some time
    probe(Probe::kTopicDeleted);
    // A creation of unknown outcome may have been refused, and this be the one before it.
    if (topic.sure) tell({ToldCommand::What::kDelete, topic.id, 0, true});
    topics_.erase(name);
  });
}

void Operator::grow(const std::string& name) {
  const Topic topic = topics_[name];
  if (!topic.sure || topic.partitions >= kMaxPartitions) return;
  const std::uint32_t wanted = topic.partitions + 1;
  using enum ToldCommand::What;
  tell({kPartitions, topic.id, wanted, false});
  ask(broker::AlterTopic{.name = name, .set = {}, .reset = {}, .partitions = wanted},
      [this, name, topic, wanted](bool done, bool) {
        if (!done) return;
        tell({kPartitions, topic.id, wanted, true});
        topics_[name].partitions = wanted;
        const auto& used = scene_.groups.in_use();
        const bool is_used =
            std::ranges::count(used, scene_.groups.number_of({topic.id, PartitionId(0)})) > 0;
        if (is_used) use(topic.id, topic.partitions, wanted);
      });
}

void Operator::change_factor(const std::string& name) {
  const Topic topic = topics_[name];
  const auto factor = static_cast<std::uint32_t>(1 + scene_.world.rng().below(3));
  using enum ToldCommand::What;
  tell({kFactor, topic.id, factor, false});
  ask(broker::ChangeReplicationFactor{.topic = name, .replication_factor = factor},
      [this, topic, factor](bool done, bool) {
        if (!done) return;
        probe(Probe::kFactorChanged);
        if (topic.sure) tell({kFactor, topic.id, factor, true});
      });
}

void Operator::move(const std::string& name) {
  Rng& rng = scene_.world.rng();
  const broker::ImagePtr image = some_image();
  const broker::TopicPtr topic = image ? image->find(name) : nullptr;
  if (topic == nullptr) return;
  broker::ReplicaList brokers;
  for (const auto& [id, broker] : image->brokers()) brokers.push_back(id);
  for (std::size_t i = brokers.size(); i > 1; --i) std::swap(brokers[i - 1], brokers[rng.below(i)]);
  if (brokers.size() < topic->replication_factor) return;
  brokers.resize(topic->replication_factor);
  const PartitionId partition(static_cast<std::int32_t>(rng.below(topic->partitions)));
  ask(broker::MoveReplicas{.topic = name, .partition = partition, .replicas = brokers},
      [](bool done, bool) {
        if (done) probe(Probe::kReplicasMoved);
      });
}

// --- brokers

broker::ImagePtr Operator::some_image() {
  SimBroker& broker = *brokers_[scene_.world.rng().below(brokers_.size())];
  return broker.is_up() ? broker.metadata()->image() : nullptr;
}

raft::NodeId Operator::some_broker(const broker::ClusterImage& image) {
  const auto which = scene_.world.rng().below(image.brokers().size());
  return std::next(image.brokers().begin(), static_cast<std::ptrdiff_t>(which))->first;
}

void Operator::change_broker() {
  const broker::ImagePtr image = some_image();
  if (!image || image->brokers().empty()) return;
  const auto nothing = [](bool, bool) {};
  const raft::NodeId id = some_broker(*image);
  const auto actives = std::ranges::count_if(
      image->brokers(), [](const auto& entry) { return entry.second.is_active(); });
  switch (image->find(id)->mode) {
    case broker::BrokerMode::kActive:
      if (sends_brokers_away_ && actives > 3 && scene_.world.rng().one_in(4)) {
        return ask(broker::DecommissionBroker{.broker = id, .now = {}}, nothing);
      }
      return ask(broker::DrainBroker{.broker = id, .now = {}}, nothing);
    case broker::BrokerMode::kDraining:
    case broker::BrokerMode::kDecommissioning:
      if (!scene_.world.rng().one_in(4)) return;
      return ask(broker::ResumeBroker{.broker = id, .now = {}}, nothing);
    case broker::BrokerMode::kDrained:
      return ask(broker::ResumeBroker{.broker = id, .now = {}}, nothing);
    case broker::BrokerMode::kDecommissioned:
      return ask(broker::RemoveBroker{.broker = id, .now = {}}, [](bool done, bool) {
        if (done) probe(Probe::kBrokerRemoved);
      });
  }
}

}  // namespace penstock::sim
