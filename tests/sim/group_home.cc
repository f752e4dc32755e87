#include "tests/sim/group_home.h"

#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr const char* kSnapshots = "/data/group-snapshots";
// A few changes: starting from a snapshot shall be frequent.
constexpr std::uint64_t kSnapshotAfterBytes = 3'000;
constexpr std::int64_t kBetweenLooks = 250 * kMs;

}  // namespace

GroupHome::GroupHome(Scene& scene, Node& node, GroupNumber number, group::TopicViewPtr topics)
    : scene_(scene), node_(node), number_(number), topics_(std::move(topics)) {}

std::unique_ptr<GroupHome> GroupHome::open(Scene& scene, Node& node, GroupNumber number,
                                           const raft::Membership& first,
                                           group::TopicViewPtr topics) {
  std::unique_ptr<GroupHome> made(new GroupHome(scene, node, number, std::move(topics)));
  const storage::LogIdentity identity{scene.groups.name_of(number)};
  auto snapshots = broker::StateSnapshots::open(node.disk(), kSnapshots, identity, made->machine_);
  if (!snapshots) {
    node.die("snapshots of groups: " + snapshots.error().to_string());
    return nullptr;
  }
  made->snapshots_ = std::move(*snapshots);
  if (!node.open(number, first, made->snapshots_.get())) {
    if (node.is_up()) node.crash();  // a full disk: it does not start
    return nullptr;
  }
  auto host = broker::StateHost::open(
      node.clock(), *node.replica(number), *made->snapshots_, made->machine_,
      {.snapshot_after_bytes = kSnapshotAfterBytes,
       .applied = [made = made.get()](const broker::StateMachine&) { made->published(); },
       .old_records = broker::OldRecords::kStay});
  if (!host) {
    node.die("groups: " + host.error().to_string());
    return nullptr;
  }
  made->host_ = std::move(*host);
  made->remove_the_dead();
  return made;
}

void GroupHome::published() {
  for (auto& invariant : scene_.invariants) invariant->groups_changed(node_.id(), machine_.state());
  if (!leads_in_) return;
  for (const auto& [name, group] : machine_.state().groups()) {
    sessions_.follow(name, &group, now_ms());
  }
}

bool GroupHome::follow(const broker::ReplicaOutput& output) {
  const bool more = host_->follow(output);
  if (const auto fatal = host_->fatal()) {
    node_.die("groups: " + fatal->to_string());
    return false;
  }
  notice_role();
  make_snapshot();
  return more;
}

void GroupHome::notice_role() {
  const broker::Replica& replica = *node_.replica(number_);
  if (replica.role() != raft::Role::kLeader) {
    sessions_.end();
    leads_in_.reset();
    return;
  }
  if (!host_->is_ready() || leads_in_ == replica.term()) return;
  leads_in_ = replica.term();
  sessions_.begin(machine_.state(), now_ms());
  if (!machine_.state().groups().empty()) probe(Probe::kCoordinatorChanged);
}

void GroupHome::heard(const std::string& group, const Uuid& member) {
  if (leads_in_) sessions_.heard(group, member, 0, now_ms());
}

void GroupHome::remove_the_dead() {
  node_.later(scene_.world.around(kBetweenLooks), [this] {
    for (const auto& expiry : sessions_.expired(now_ms())) {
      carry_out(
          group::ExpireMembers{
              .group = expiry.group, .members = {expiry.member}, .topics = {}, .now = {}},
          [](const Result<std::vector<Uuid>>& removed) {
            if (removed && !removed->empty()) probe(Probe::kMemberExpired);
          });
      if (!node_.is_up()) return;
    }
    remove_the_dead();
  });
}

void GroupHome::make_snapshot() {
  if (!host_->wants_snapshot()) return;
  node_.later(node_.disk_time(), [this, ticket = host_->begin_snapshot()] {
    host_->complete_snapshot(ticket, ticket.run());
    node_.pump(number_);
  });
}

}  // namespace penstock::sim
