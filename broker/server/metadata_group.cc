#include "broker/server/metadata_group.h"

#include "base/log.h"
#include "broker/server/limits.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("metadata");
  return instance;
}

// Metadata is small, and goes only behind a snapshot; small segments keep what is preallocated
// small.
PartitionRules metadata_rules() {
  PartitionRules rules;
  rules.log.segment_bytes = kMetadataSegmentBytes;
  rules.log.retention_ms = std::nullopt;
  rules.log.retention_bytes = std::nullopt;
  return rules;
}

ReplicaOptions replica_options(const DataDir& dir, StateSnapshots& snapshots, std::uint64_t seed) {
  ReplicaOptions options;
  options.self = raft::NodeId(dir.identity().node_id);
  // Every group 0 began with the first broker alone; who joins is told by it.
  options.first_membership.voters = {raft::NodeId(kFirstBrokerId)};
  options.seed = seed;
  options.state = &snapshots;
  return options;
}

}  // namespace

class MetadataGroup::Unobserved final : public PartitionObserver {
  void appended(std::uint64_t, std::int64_t, std::int64_t) override {}
  void flushed(std::int64_t, std::int64_t) override {}
  void checkpointed(std::int64_t) override {}
  void read(std::uint64_t, bool) override {}
  void retention_freed(std::uint64_t) override {}
};

MetadataGroup::MetadataGroup(const PartitionServices& services)
    : observer_(std::make_unique<Unobserved>()), services_(services) {
  services_.observer = observer_.get();
}
MetadataGroup::~MetadataGroup() = default;

Result<std::unique_ptr<MetadataGroup>> MetadataGroup::open(const DataDir& dir,
                                                           const PartitionServices& services,
                                                           std::uint64_t seed) {
  std::unique_ptr<MetadataGroup> group(new MetadataGroup(services));
  const storage::LogIdentity identity{{dir.identity().cluster_id, PartitionId(0)}};
  PENSTOCK_TRY_ASSIGN(group->snapshots_, StateSnapshots::open(dir.env(), dir.metadata_snapshots(),
                                                              identity, group->machine_));
  const PartitionRules rules = metadata_rules();
  PENSTOCK_TRY_ASSIGN(auto opened,
                      Replica::open(dir.env(), *services.clock, dir.meta_dir(), identity, rules.log,
                                    replica_options(dir, *group->snapshots_, seed),
                                    services.votes->find(kMetadataGroupId)));
  Replica& replica = *opened.replica;
  const bool alone = replica.group().membership().everyone().size() == 1;
  if (alone && !opened.report.damage.empty()) {
    return fail(Errc::kCorrupt, "the metadata log is damaged: " + opened.report.damage[0].reason +
                                    "; restore the meta folder from a copy");
  }
  group->partition_ =
      std::make_shared<Partition>(group->services_, kMetadataGroupId, std::string(kMetadataName),
                                  rules, std::move(opened.replica));
  PENSTOCK_TRY_ASSIGN(group->host_,
                      StateHost::open(*services.clock, replica, *group->snapshots_, group->machine_,
                                      {.applied = [group = group.get()](const StateMachine&) {
                                        group->take_image();
                                      }}));
  group->partition_->set_follower(
      [group = group.get()](const ReplicaOutput& output) { return group->follow(output); });
  return group;
}

void MetadataGroup::take_image() {
  image_ = machine_.state().image();
  if (changed_) changed_();
}

bool MetadataGroup::follow(const ReplicaOutput& output) {
  const bool more = host_->follow(output);
  if (host_->fatal() && !told_fatal_) {
    told_fatal_ = true;
    services_.on_fatal(Error(*host_->fatal()).context("metadata log"));
  }
  if (output.role_changed && changed_) changed_();
  note_current();
  make_snapshot();
  return more;
}

void MetadataGroup::note_current() {
  leads_ = host_->is_ready();  // who was deposed says so, whatever it has been told since
  const auto told = partition_->replica().group().commit_news();
  if (!told || host_->applied() < told->commit) return;
  current_to_ = image_->applied().value();
  current_at_ms_ = told->at_ms;
}

void MetadataGroup::make_snapshot() {
  if (host_->fatal() || !host_->wants_snapshot()) return;
  partition_->work_began();
  asio::post(services_.background, [this, ticket = host_->begin_snapshot()] {
    const Status written = ticket.run();
    asio::post(services_.shard, [this, ticket, written] {
      if (!written) log().warn("snapshot failed error={}", written.error().to_string());
      host_->complete_snapshot(ticket, written);
      partition_->drive();
      partition_->work_ended();
    });
  });
}

void MetadataGroup::stop() {
  host_->stop();
  partition_->drive();
}

}  // namespace penstock::broker
