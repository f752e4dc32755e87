#include "tests/sim/broker.h"

#include <string>
#include <utility>

#include "tests/sim/post.h"
#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr const char* kNodeFile = "/data/node";
constexpr std::size_t kMaxNodeBytes = 32;
constexpr std::int64_t kBetweenUpkeeps = 250 * kMs;
constexpr std::int64_t kBetweenAttempts = 300 * kMs;
constexpr std::uint16_t kPort = 9092;

}  // namespace

SimBroker::SimBroker(Scene& scene, Brokers& brokers, raft::NodeId number)
    : scene_(scene), brokers_(brokers), number_(number) {}

void SimBroker::forget() { directory_ = scene_.world.rng().uuid(); }

void SimBroker::start(Node& node) {
  node_ = &node;
  ++starts_;
  registered_ = false;
  change_is_due_ = false;
  forgetting_.clear();
  if (number_ == kFirstBroker || node.id() != raft::kNobody) number_ = node.id();
  const auto file = node.disk().read_file(kNodeFile, kMaxNodeBytes);
  if (file) {
    number_ = raft::NodeId(std::stoi(std::string(as_text(*file))));
  } else if (file.error().code() != Errc::kNotFound) {
    return node.die("node: " + file.error().to_string());
  }
  node.set_id(number_);
  if (number_ != raft::kNobody) open_metadata();
  if (node.is_up()) ask_to_register();
}

void SimBroker::crash() {
  // They may be what the process is doing right now.
  scene_.world.after(0, [leadership = std::move(leadership_), copies = std::move(copies_),
                         metadata = std::move(metadata_)] {});
}

void SimBroker::open_metadata() {
  metadata_ = Metadata::open(scene_, *node_, [this] { changed(); });
  if (metadata_ == nullptr) return;
  copies_ = std::make_unique<Copies>(scene_, *node_);
  if (!copies_->load()) return;
  leadership_ = std::make_unique<Leadership>(
      scene_, *node_, *metadata_, *copies_, [this](const GroupReport& report) {
        for (SimBroker* other : brokers_) {
          if (other == this) {
            hear(report);
          } else if (!scene_.network.is_cut(number_, other->number()) &&
                     !scene_.world.chance(scene_.weather.loss)) {
            scene_.world.after(
                scene_.weather.min_delay_ns + scene_.world.around(scene_.weather.mean_delay_ns),
                [other, report] { other->hear(report); });
          }
        }
      });
  changed();
  node_->pump(kMetadataGroup);
  if (node_->is_up()) upkeep();
}

bool SimBroker::follow(GroupNumber group, const broker::ReplicaOutput& output) {
  return group == kMetadataGroup && metadata_->follow(output);
}

void SimBroker::hear(const GroupReport& report) {
  if (is_up()) copies_->hear(report);
}

// --- registration

void SimBroker::ask_to_register() {
  if (registered_) return;
  if (number_ == raft::kNobody && !brokers_.front()->has_registered_) {
    return node_->later(kBetweenAttempts,
                        [this] { ask_to_register(); });  // nobody is there to join
  }
  SimBroker& to = *brokers_[ask_next_ % brokers_.size()];
  const broker::RegisterBroker command{.directory = directory_,
                                       .known_as = number_,
                                       .host = "host-" + directory_.to_string().substr(0, 8),
                                       .port = kPort,
                                       .rack = "",
                                       .started_at = Timestamp(static_cast<std::int64_t>(starts_))};
  post(scene_, to, command, [this, starts = starts_, &to](const Result<raft::NodeId>& outcome) {
    if (starts != starts_ || !node_->is_up()) return;
    SimBroker& next = next_to_ask(scene_, brokers_, to);
    for (std::size_t i = 0; i < brokers_.size(); ++i) {
      if (brokers_[i] == &next) ask_next_ = i;
    }
    node_->later(scene_.world.around(kBetweenAttempts), [this, outcome] { registered(outcome); });
  });
}

void SimBroker::registered(const Result<raft::NodeId>& outcome) {
  if (!outcome) return ask_to_register();
  registered_ = has_registered_ = true;
  if (number_ != raft::kNobody) return;
  const Status kept =
      node_->disk().replace_file(kNodeFile, as_bytes(std::to_string(outcome->value())));
  if (!kept && kept.error().code() == Errc::kDiskFull) {
    registered_ = false;
    return ask_to_register();
  }
  if (!kept) return node_->die("node: " + kept.error().to_string());
  probe(Probe::kBrokerJoined);
  number_ = *outcome;
  node_->set_id(number_);
  scene_.world.note(to_string(number_) + " has joined");
  open_metadata();
}

// --- following

// Copies are opened and given up between two steps of a replica, never within one.
void SimBroker::changed() {
  if (std::exchange(change_is_due_, true)) return;
  node_->later(0, [this] {
    change_is_due_ = false;
    copies_->follow(*metadata_->image());
  });
}

void SimBroker::upkeep() {
  node_->later(scene_.world.around(kBetweenUpkeeps), [this] {
    if (!leadership_->upkeep() || !copies_->follow(*metadata_->image())) return;
    if (!copies_->retire(*metadata_->image())) return;
    forget_topics();
    if (node_->is_up()) upkeep();
  });
}

void SimBroker::forget_topics() {
  for (const auto& [id, deleted] : metadata_->image()->deleted()) {
    if (!broker::contains(deleted.awaited, number_) || !copies_->holds_nothing_of(id)) continue;
    if (!forgetting_.insert(id).second) continue;
    SimBroker& to = next_to_ask(scene_, brokers_, *this);
    post(scene_, to, broker::ForgetTopic{id, number_},
         [this, starts = starts_, id = id](const Result<Uuid>&) {
           if (starts == starts_) forgetting_.erase(id);
         });
  }
}

}  // namespace penstock::sim
