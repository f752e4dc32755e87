#include "tests/sim/metadata.h"

#include "base/mutant.h"
#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr const char* kSnapshots = "/data/meta-snapshots";
// A few changes: installs and snapshots shall be frequent.
constexpr std::uint64_t kSnapshotAfterBytes = 1'500;

}  // namespace

Metadata::Metadata(Scene& scene, Node& node, std::function<void()> changed)
    : scene_(scene), node_(node), changed_(std::move(changed)) {}

std::unique_ptr<Metadata> Metadata::open(Scene& scene, Node& node, std::function<void()> changed) {
  std::unique_ptr<Metadata> made(new Metadata(scene, node, std::move(changed)));
  const storage::LogIdentity identity{scene.groups.name_of(kMetadataGroup)};
  auto snapshots = broker::StateSnapshots::open(node.disk(), kSnapshots, identity, made->machine_);
  if (!snapshots) {
    node.die("snapshots of the metadata: " + snapshots.error().to_string());
    return nullptr;
  }
  made->snapshots_ = std::move(*snapshots);
  if (!node.open(kMetadataGroup, {.voters = {kFirstBroker}, .outgoing = {}, .learners = {}},
                 made->snapshots_.get())) {
    if (node.is_up()) node.crash();  // a full disk: it does not start
    return nullptr;
  }
  auto host = broker::StateHost::open(
      node.clock(), *node.replica(kMetadataGroup), *made->snapshots_, made->machine_,
      {.snapshot_after_bytes = kSnapshotAfterBytes,
       .applied = [made = made.get()](const broker::StateMachine&) { made->publish(); }});
  if (!host) {
    node.die("metadata: " + host.error().to_string());
    return nullptr;
  }
  made->host_ = std::move(*host);
  return made;
}

void Metadata::publish() {
  image_ = machine_.state().image();
  const BrokerView view{node_.id(), image_, machine_.snapshot()};
  for (auto& invariant : scene_.invariants) invariant->published(view);
  changed_();
}

bool Metadata::follow(const broker::ReplicaOutput& output) {
  const bool more = host_->follow(output);
  if (output.role_changed) changed_();
  if (const auto fatal = host_->fatal()) {
    node_.die("metadata: " + fatal->to_string());
    return false;
  }
  if (host_->trouble()) probe(Probe::kMetadataUnreadable);
  const auto told = node_.replica(kMetadataGroup)->group().commit_news();
  if (told && host_->applied() >= told->commit) current_at_ms_ = told->at_ms;
  make_snapshot();
  return more;
}

void Metadata::make_snapshot() {
  if (!host_->wants_snapshot()) return;
  node_.later(node_.disk_time(), [this, ticket = host_->begin_snapshot()] {
    const Status written = ticket.run();
    if (written) probe(Probe::kMetadataSnapshot);
    host_->complete_snapshot(ticket, written);
    node_.pump(kMetadataGroup);
  });
}

}  // namespace penstock::sim
