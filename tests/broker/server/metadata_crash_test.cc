// Power cuts at every call to the disk while topics are created, altered and deleted.
//
// After each, the next start finds: every topic that was acknowledged, completely; a topic that was
// under way, completely or not at all; no topic whose deletion was acknowledged; a leader epoch
// that was never used before, in which every partition leads.
#include <gtest/gtest.h>

#include <cstdio>

#include "broker/host/state_host.h"
#include "broker/host/vote_store.h"
#include "broker/server/metadata_group.h"
#include "broker/server/topic_folders.h"
#include "fakes/fake_env.h"
#include "protocol/record/builder.h"

namespace penstock::broker {
namespace {

using fakes::Fault;
using fakes::Survives;

// What the client was told.
struct Told {
  std::map<std::string, std::uint32_t> partitions;  // topics that exist
  std::optional<std::string> under_way;  // a topic that a command without answer concerns
  Term epoch{0};
};

// The metadata of a broker that is alone, all of whose waits for the disk happen at once.
class Metadata {
 public:
  static Result<std::unique_ptr<Metadata>> open(Env& env, const Clock& clock, const DataDir& dir,
                                                VoteStore& votes, std::uint64_t seed) {
    std::unique_ptr<Metadata> self(new Metadata(votes));
    const storage::LogIdentity identity{{dir.identity().cluster_id, PartitionId(0)}};
    PENSTOCK_TRY_ASSIGN(self->snapshots_, StateSnapshots::open(env, dir.metadata_snapshots(),
                                                               identity, self->machine_));
    ReplicaOptions options;
    options.self = raft::NodeId(1);
    options.first_membership.voters = {raft::NodeId(1)};
    options.seed = seed;
    options.state = self->snapshots_.get();
    PENSTOCK_TRY_ASSIGN(auto opened,
                        Replica::open(env, clock, dir.meta_dir(), identity, {}, std::move(options),
                                      votes.find(kMetadataGroupId)));
    self->replica_ = std::move(opened.replica);
    PENSTOCK_TRY_ASSIGN(self->host_,
                        StateHost::open(clock, *self->replica_, *self->snapshots_, self->machine_));
    self->replica_->tick();
    PENSTOCK_TRY(self->drive());
    return self;
  }

  template <typename Command>
  auto carry_out(Command command)
      -> Result<decltype(std::declval<const ClusterState&>().handle(command)->answer)> {
    using Answer = decltype(std::declval<const ClusterState&>().handle(command)->answer);
    std::optional<Result<Answer>> answer;
    broker::carry_out(*host_, machine_, std::move(command),
                      [&](Result<Answer> got) { answer = std::move(got); });
    const Status driven = drive();
    if (answer && *answer) return **answer;  // what was told, was told
    PENSTOCK_TRY(driven);
    if (!answer) return fail(Errc::kInternal, "a command without answer");
    return *std::move(answer);
  }

  ImagePtr image() const { return machine_.state().image(); }
  const ClusterImage::Deleted& deleted() const { return machine_.state().deleted(); }

 private:
  explicit Metadata(VoteStore& votes) : votes_(votes) {}

  Status drive() {
    while (true) {
      const ReplicaOutput output = replica_->take_output();
      const bool more = host_->follow(output);
      if (host_->fatal()) return fail(*host_->fatal());
      if (output.fatal) return fail(*output.fatal);
      if (output.save) {
        PENSTOCK_TRY(votes_.put(kMetadataGroupId, *output.save));
        const auto ticket = votes_.begin_flush();
        const Status flushed = ticket.run();
        votes_.complete_flush(ticket, flushed);
        PENSTOCK_TRY(flushed);
        replica_->saved(*output.save);
        replica_->tick();
      } else if (replica_->needs_flush()) {
        const auto ticket = replica_->begin_flush();
        replica_->complete_flush(ticket, ticket.run());
      } else if (!more) {
        return {};
      }
    }
  }

  VoteStore& votes_;
  MetadataGroup::Machine machine_;
  std::unique_ptr<StateSnapshots> snapshots_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<StateHost> host_;
};

// The steps of the broker, one behind the other, as PartitionPlacer takes them.
class Node {
 public:
  Node(Env& env, const Clock& clock, Rng& rng) : env_(env), clock_(clock), rng_(rng) {}

  Status start() {
    PENSTOCK_TRY_ASSIGN(DataDir dir, DataDir::open(env_, "/data", NewFolder::kBeginsCluster, rng_));
    dir_ = std::make_unique<DataDir>(std::move(dir));
    PENSTOCK_TRY_ASSIGN(votes_, VoteStore::open(env_, "/data", dir_->identity().directory_id));
    PENSTOCK_TRY_ASSIGN(metadata_, Metadata::open(env_, clock_, *dir_, *votes_, rng_.next()));
    PENSTOCK_TRY_ASSIGN(
        epoch_, metadata_->carry_out(StartBroker{1, dir_->identity().directory_id, clock_.wall()}));
    folders_ = std::make_unique<TopicFolders>(
        *dir_, clock_, [this](const TopicPartition& group) { return votes_->find(group); },
        rng_.next());
    PENSTOCK_TRY(folders_->load());
    for (const auto& [name, topic] : metadata_->image()->topics()) PENSTOCK_TRY(place(*topic));
    PENSTOCK_TRY(folders_->mark_placed(metadata_->image()->applied()));
    const auto deleted = metadata_->deleted();
    for (const auto& [id, topic] : deleted) PENSTOCK_TRY(clean(id, topic.name));
    return {};
  }

  Status create(const std::string& name, std::uint32_t partitions) {
    PENSTOCK_TRY(metadata_->carry_out(CreateTopic{.name = name,
                                                  .partitions = partitions,
                                                  .replication_factor = 0,
                                                  .settings = {{"retention_ms", "unlimited"}},
                                                  .id = rng_.uuid(),
                                                  .now = clock_.wall()}));
    return place_new(name, 0);
  }
  Status grow(const std::string& name, std::uint32_t partitions) {
    const std::uint32_t before = metadata_->image()->find(name)->partitions;
    PENSTOCK_TRY(metadata_->carry_out(AlterTopic{name, {}, {}, partitions}));
    return place_new(name, before);
  }
  Status remove(const std::string& name) {
    PENSTOCK_TRY_ASSIGN(const Uuid id, metadata_->carry_out(DeleteTopic{name, clock_.wall()}));
    return clean(id, name);
  }

  Term epoch() const { return epoch_; }
  ImagePtr image() const { return metadata_->image(); }
  const Metadata& metadata() const { return *metadata_; }
  const TopicFolders& folders() const { return *folders_; }
  const DataDir& dir() const { return *dir_; }

 private:
  Status place(const TopicImage& topic, std::uint32_t from_partition = 0) {
    std::vector<std::unique_ptr<Replica>> replicas;
    for (std::uint32_t p = from_partition; p < topic.partitions; ++p) {
      PENSTOCK_TRY_ASSIGN(auto opened,
                          folders_->open_partition(topic, PartitionId(static_cast<std::int32_t>(p)),
                                                   Term(epoch_.value() - 1)));
      replicas.push_back(std::move(opened.replica));
    }
    PENSTOCK_TRY(folders_->sync_topic(topic));
    for (std::uint32_t p = from_partition; p < topic.partitions; ++p) {
      PENSTOCK_TRY(elect({topic.id, PartitionId(static_cast<std::int32_t>(p))},
                         *replicas[p - from_partition]));
    }
    return {};
  }
  // As the shell of a partition does it.
  Status elect(const TopicPartition& group, Replica& replica) {
    replica.tick();
    const ReplicaOutput output = replica.take_output();
    if (!output.save) return fail(Errc::kInternal, "an only voter asks for its own vote");
    PENSTOCK_TRY(votes_->put(group, *output.save));
    const auto ticket = votes_->begin_flush();
    const Status flushed = ticket.run();
    votes_->complete_flush(ticket, flushed);
    PENSTOCK_TRY(flushed);
    replica.saved(*output.save);
    if (!replica.is_ready())
      return fail(Errc::kInternal, "an only voter leads: " + replica.group().describe());
    if (replica.term() != epoch_) return fail(Errc::kInternal, "the term is the broker's epoch");
    return {};
  }
  Status place_new(const std::string& name, std::uint32_t from_partition) {
    PENSTOCK_TRY(place(*metadata_->image()->find(name), from_partition));
    return folders_->mark_placed(metadata_->image()->applied());
  }
  Status clean(const Uuid& id, const std::string& name) {
    PENSTOCK_TRY(folders_->trash(id, name));
    PENSTOCK_TRY(folders_->empty_trash(id, name));
    PENSTOCK_TRY(metadata_->carry_out(ForgetTopic{id}));
    return {};
  }

  Env& env_;
  const Clock& clock_;
  Rng& rng_;
  std::unique_ptr<DataDir> dir_;
  std::unique_ptr<VoteStore> votes_;
  std::unique_ptr<Metadata> metadata_;
  std::unique_ptr<TopicFolders> folders_;
  Term epoch_{0};
};

// Runs until something fails.
Told live(Node& node) {
  Told told;
  if (!node.start()) return told;
  told.epoch = node.epoch();
  const auto step = [&](const std::string& name, auto act, auto after) {
    if (told.under_way) return;
    told.under_way = name;
    if (!act()) return;
    after();
    told.under_way.reset();
  };
  step("a", [&] { return node.create("a", 2); }, [&] { told.partitions["a"] = 2; });
  step("b", [&] { return node.create("b", 1); }, [&] { told.partitions["b"] = 1; });
  step("a", [&] { return node.grow("a", 4); }, [&] { told.partitions["a"] = 4; });
  step("b", [&] { return node.remove("b"); }, [&] { told.partitions.erase("b"); });
  step("b", [&] { return node.create("b", 3); }, [&] { told.partitions["b"] = 3; });
  return told;
}

void expect_what_was_told(const Told& told, const Node& node) {
  EXPECT_GT(node.epoch(), told.epoch);
  const ImagePtr image = node.image();
  for (const auto& [name, partitions] : told.partitions) {
    const TopicPtr topic = image->find(name);
    if (told.under_way == name) {
      if (topic) EXPECT_GE(topic->partitions, 1U);
      continue;
    }
    ASSERT_TRUE(topic) << "acknowledged topic " << name << " is lost";
    EXPECT_EQ(topic->partitions, partitions) << name;
    EXPECT_EQ(topic->settings.retention_ms, kUnlimited);
  }
  for (const auto& [name, topic] : image->topics()) {
    EXPECT_TRUE(told.partitions.contains(name) || told.under_way == name)
        << "topic " << name << " came back";
  }
  // start() cleans up: no folder without a topic is left, and no deletion is forgotten.
  EXPECT_TRUE(node.metadata().deleted().empty());
  EXPECT_TRUE(node.folders().unknown_folders(*image, {}).value().empty());
}

TEST(MetadataCrash, AtEveryCallNothingThatWasToldIsLost) {
  FakeClock clock;
  std::uint64_t crashes = 0;
  for (const Survives survives :
       {Survives::kNothingUnsynced, Survives::kEverything, Survives::kRandomPart}) {
    for (std::uint64_t at = 0;; ++at) {
      SCOPED_TRACE("killed at call " + std::to_string(at));
      fakes::FakeEnv env;
      Rng rng(at * 7 + static_cast<std::uint64_t>(survives));
      env.plan_fault({.fault = Fault::kKill, .at_call = at});
      Told told;
      {
        Node node(env, clock, rng);
        told = live(node);
      }
      if (!env.fault_happened()) break;
      ++crashes;
      // Cut once more while the next start recovers, then let it.
      env.crash(survives, rng);
      env.plan_fault({.fault = Fault::kKill, .at_call = rng.below(40)});
      {
        Node node(env, clock, rng);
        if (node.start()) told.epoch = node.epoch();
      }
      env.crash(survives, rng);
      Node node(env, clock, rng);
      const Status started = node.start();
      ASSERT_TRUE(started) << started.error().to_string();
      expect_what_was_told(told, node);
      if (testing::Test::HasFailure()) return;
    }
  }
  std::printf("METACRASH crashes=%llu lost=0\n", static_cast<unsigned long long>(crashes));
  EXPECT_GT(crashes, 300U);
}

TEST(MetadataCrash, AFullDiskRefusesACommandAndChangesNothing) {
  FakeClock clock;
  Rng rng(3);
  fakes::FakeEnv env;
  Node node(env, clock, rng);
  ASSERT_TRUE(node.start());
  ASSERT_TRUE(node.create("a", 1));
  env.set_capacity(env.used_bytes());
  std::uint32_t refused = 0;
  for (int i = 0; i < 3'000 && refused == 0; ++i) {
    const auto status = node.grow("a", static_cast<std::uint32_t>(i % 2'000) + 2);
    if (!status && status.error().code() == Errc::kDiskFull) ++refused;
  }
  EXPECT_EQ(refused, 1U);
  env.set_capacity(std::nullopt);
  EXPECT_TRUE(node.create("b", 1)) << "and goes on when there is room again";
}

TEST(MetadataCrash, ARecordOfANewerReleaseStopsTheStart) {
  FakeClock clock;
  fakes::FakeEnv env;
  const Uuid cluster = *Uuid::parse("000102030405060708090a0b0c0d0e0f");
  Rng rng(1);
  auto dir = DataDir::open(env, "/data", NewFolder::kBeginsCluster, rng);
  ASSERT_TRUE(dir);
  ASSERT_TRUE(dir->become_member(cluster, 1));
  {
    auto log =
        storage::Log::open(env, clock, "/data/meta", {{cluster, PartitionId(0)}}, {}).value().log;
    record::BatchBuilder builder;
    const Bytes unknown{std::byte{99}, std::byte{1}};
    builder.append(Timestamp(1), std::nullopt, ByteView(unknown));
    Bytes batch = builder.build().value();
    ASSERT_TRUE(log->append(batch, Term(1)));
    ASSERT_TRUE(log->close());
  }
  const auto votes = VoteStore::open(env, "/data", dir->identity().directory_id).value();
  const auto opened = Metadata::open(env, clock, *dir, *votes, 1);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Errc::kUnsupportedVersion);
}

}  // namespace
}  // namespace penstock::broker
