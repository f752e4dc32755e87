// One partition on three nodes, wired in memory. The disks are queues that the test empties or
// holds back, the clock is its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>

#include "broker/partition/partition.h"
#include "fakes/fake_env.h"
#include "protocol/record/builder.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const TopicPartition kId{{}, PartitionId(0)};

class SilentObserver final : public PartitionObserver {
 public:
  void appended(std::uint64_t, std::int64_t, std::int64_t) override {}
  void flushed(std::int64_t, std::int64_t) override {}
  void checkpointed(std::int64_t) override {}
  void read(std::uint64_t, bool) override {}
  void retention_freed(std::uint64_t) override {}
};

struct Node {
  Node(int number, FakeClock& clock_of_all, asio::io_context& shard_of_all,
       std::function<void(PeerMessage)> send)
      : id(number),
        clock(clock_of_all),
        shard(shard_of_all),
        services{.shard = shard.get_executor(),
                 .background = pool.get_executor(),
                 .clock = &clock,
                 .flushes = &flushes,
                 .checkpoints = &checkpoints,
                 .ticks = &ticks,
                 .votes = nullptr,
                 .send = [send](const TopicPartition&,
                                PeerMessage message) { send(std::move(message)); },
                 .leadership_changed = [this] { ++changes_of_leadership; },
                 .disk = &disk,
                 .observer = &observer,
                 .on_fatal = [](const Error& e) { ADD_FAILURE() << e.to_string(); }} {
    EXPECT_TRUE(env.create_dirs("/data"));
  }

  void start() {
    const auto hard_state = VoteStore::open(env, "/data", Uuid{}).value()->find(kId);
    votes = std::make_unique<VoteQueue>(pool.get_executor(), services.on_fatal);
    EXPECT_TRUE(votes->open(env, "/data", Uuid{}));
    services.votes = votes.get();
    ReplicaOptions options;
    options.self = id;
    options.seed = static_cast<std::uint64_t>(id.value());
    options.first_membership.voters = {raft::NodeId(1), raft::NodeId(2), raft::NodeId(3)};
    auto opened =
        Replica::open(env, clock, "/data/p0", {kId}, rules.log, options, hard_state).value();
    partition =
        std::make_shared<Partition>(services, kId, "orders", rules, std::move(opened.replica));
    partition->start();
  }
  Partition* operator->() const { return partition.get(); }
  bool leads() const { return partition && partition->check_ready(); }

  const raft::NodeId id;
  FakeClock& clock;
  asio::io_context& shard;
  asio::io_context pool;  // its disk
  bool holds_disk = false;
  bool is_cut_off = false;
  fakes::FakeEnv env;
  SilentObserver observer;
  int changes_of_leadership = 0;
  DiskGuard disk{env, clock, "/", 0};
  FlushQueue flushes{shard.get_executor(), pool.get_executor(), clock, 1};
  CheckpointQueue checkpoints{shard.get_executor(), pool.get_executor(), clock};
  TickQueue ticks{shard.get_executor(), clock};
  PartitionServices services;
  std::unique_ptr<VoteQueue> votes;
  PartitionRules rules;
  std::shared_ptr<Partition> partition;
};

class ReplicatedPartitionTest : public testing::Test {
 protected:
  ReplicatedPartitionTest() {
    for (int number : {1, 2, 3}) {
      nodes_.push_back(std::make_unique<Node>(number, clock_, shard_, [this](PeerMessage message) {
        on_the_way_.push_back(std::move(message));
      }));
    }
    for (const auto& node : nodes_) node->start();
  }
  ~ReplicatedPartitionTest() override {
    for (const auto& node : nodes_) node->holds_disk = false;
    settle();
  }

  Node& node(raft::NodeId id) { return *nodes_[static_cast<std::size_t>(id.value() - 1)]; }
  Node& other_than(const Node& one) { return *nodes_[one.id.value() == 1 ? 1 : 0]; }
  Node& third(const Node& a, const Node& b) {
    return *nodes_[static_cast<std::size_t>(6 - a.id.value() - b.id.value() - 1)];
  }

  static std::size_t drain(asio::io_context& io) {
    io.restart();
    return io.poll();
  }
  std::size_t deliver() {
    const auto taken = std::exchange(on_the_way_, {});
    for (const PeerMessage& message : taken) {
      Node& to = node(message.envelope.to);
      if (to.is_cut_off || node(message.envelope.from).is_cut_off || !to.partition) continue;
      to->receive(message);
    }
    return taken.size();
  }
  // All that can be done without the clock.
  void settle() {
    for (std::size_t done = 1; done > 0;) {
      done = drain(shard_) + deliver();
      for (const auto& node : nodes_) done += node->holds_disk ? 0 : drain(node->pool);
    }
  }
  void run(std::int64_t ms) {
    for (std::int64_t passed = 0; passed < ms; passed += 10) {
      clock_.advance_ms(10);
      for (const auto& node : nodes_) node->ticks.run_due();
      settle();
    }
  }
  // One that leads and can be reached.
  Node& leader() {
    for (int i = 0; i < 1'000; ++i) {
      for (const auto& node : nodes_) {
        if (!node->is_cut_off && node->leads()) return *node;
      }
      run(10);
    }
    ADD_FAILURE() << "nobody leads";
    return *nodes_.front();
  }

  // Appends to the leader, and notes in `events_` when the answer comes.
  void produce(Node& to, const std::string& value) {
    record::BatchBuilder builder;
    builder.append(Timestamp(1'000), std::nullopt, as_bytes(value));
    Bytes batch = builder.build().value();
    const auto done = to->append(batch);
    ASSERT_TRUE(done) << done.error().to_string();
    to->when_committed(done->end(), done->term, [this, value](const Status& status) {
      events_.push_back(value + (status ? " acked" : " " + status.error().to_string()));
    });
  }
  void expect_equal_logs() {
    const Offset end = leader()->high_watermark();
    for (const auto& node : nodes_) {
      EXPECT_EQ((*node)->high_watermark(), end) << node->id.value();
      EXPECT_EQ((*node)->log_end(), end) << node->id.value();
    }
    const auto bytes = [&](Node& node) {
      const auto read = node->read_cached(node->log_start(), 1 << 20).value();
      return Bytes(read.batches.view().begin(), read.batches.view().end());
    };
    EXPECT_EQ(bytes(*nodes_[0]), bytes(*nodes_[1]));
    EXPECT_EQ(bytes(*nodes_[0]), bytes(*nodes_[2]));
  }

  FakeClock clock_;
  asio::io_context shard_;
  std::deque<PeerMessage> on_the_way_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::string> events_;
};

TEST_F(ReplicatedPartitionTest, AProducerIsAnsweredWhenAMajorityHasTheRecordsOnDisk) {
  Node& lead = leader();
  Node& second = other_than(lead);
  Node& other = third(lead, second);
  second.holds_disk = other.holds_disk = true;
  const Offset before = lead->high_watermark();
  produce(lead, "a");
  settle();
  EXPECT_THAT(events_, ElementsAre()) << "the leader's disk alone is no majority";
  EXPECT_EQ(lead->high_watermark(), before);
  second.holds_disk = false;
  settle();
  EXPECT_THAT(events_, ElementsAre("a acked"));
  EXPECT_EQ(lead->high_watermark(), before + 1);
  other.holds_disk = false;
  run(500);
  expect_equal_logs();
}

TEST_F(ReplicatedPartitionTest, TheLeadersOwnDiskMayBeTheSlowOne) {
  Node& lead = leader();
  lead.holds_disk = true;
  produce(lead, "a");
  settle();
  EXPECT_THAT(events_, ElementsAre("a acked"));
}

TEST_F(ReplicatedPartitionTest, WhenTheLeaderChangesTheOutcomeIsUnknownAndNobodyWaitsForEver) {
  Node& old = leader();
  run(200);
  old.is_cut_off = true;
  produce(old, "a");
  settle();
  EXPECT_THAT(events_, ElementsAre());
  run(2'000);
  EXPECT_THAT(events_, ElementsAre(HasSubstr("a Timeout")));
  EXPECT_THAT(events_, ElementsAre(HasSubstr("the leader changed before a majority")));
  EXPECT_FALSE(old.leads());

  Node& now = leader();
  const int changes_before = old.changes_of_leadership;
  EXPECT_NE(now.id, old.id);
  EXPECT_GT(now->epoch(), Term(1));
  events_.clear();
  produce(now, "b");
  settle();
  EXPECT_THAT(events_, ElementsAre("b acked"));

  old.is_cut_off = false;
  run(1'000);
  expect_equal_logs();
  EXPECT_EQ(old->epoch(), now->epoch());
  EXPECT_EQ(old->replica().leader(), now.id);
  EXPECT_GT(old.changes_of_leadership, changes_before) << "who looks after it is told";
}

TEST_F(ReplicatedPartitionTest, ARecordThatANewLeaderTookOverIsStillUnknownToItsProducer) {
  Node& old = leader();
  run(200);
  for (const auto& node : nodes_) node->holds_disk = true;
  produce(old, "a");
  settle();  // the followers have it, and no disk does
  old.is_cut_off = true;
  for (const auto& node : nodes_) node->holds_disk = false;
  settle();
  run(2'000);
  EXPECT_THAT(events_, ElementsAre(HasSubstr("a Timeout")));
  EXPECT_EQ(leader()->high_watermark(), old->log_end() + 1) << "it was committed all the same";
}

TEST_F(ReplicatedPartitionTest, FollowersRefuseProducersAndSayWhoLeads) {
  Node& lead = leader();
  run(200);
  record::BatchBuilder builder;
  builder.append(Timestamp(1'000), std::nullopt, as_bytes("x"));
  Bytes batch = builder.build().value();
  const auto refused = other_than(lead)->append(batch);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kNotLeader);
  EXPECT_THAT(refused.error().to_string(),
              HasSubstr("led by broker " + std::to_string(lead.id.value())));
}

TEST_F(ReplicatedPartitionTest, FollowersServeWhatIsCommittedAndWakeWhoWaitsForIt) {
  Node& lead = leader();
  run(200);
  class Watcher final : public HighWatermarkWatcher {
   public:
    void high_watermark_moved() override { ++woken; }
    int woken = 0;
  } watcher;
  Node& follower = other_than(lead);
  follower->watch(watcher);
  produce(lead, "a");
  run(200);
  EXPECT_EQ(watcher.woken, 1);
  EXPECT_FALSE(follower->read_cached(Offset(1), 1'000)->batches.empty());
}

TEST_F(ReplicatedPartitionTest, WhoWaitsAtALeaderIsToldThatItLeadsNoMore) {
  struct Flag final : HighWatermarkWatcher {
    void high_watermark_moved() override { ++times; }
    int times = 0;
  };
  Node& leads = leader();
  run(500);
  Flag flag;
  leads->watch(flag);
  run(500);
  EXPECT_EQ(flag.times, 0);
  leads->step_down();
  EXPECT_EQ(flag.times, 1);
}

TEST_F(ReplicatedPartitionTest, OnlyTheLeaderDeletesAndLooksForTimesAndTheOthersFollow) {
  Node& leads = leader();
  for (int i = 0; i < 5; ++i) produce(leads, "record");
  run(300);
  const Offset start = leads->high_watermark() - 2;
  for (const auto& node : nodes_) {
    if (node.get() == &leads) continue;
    EXPECT_EQ((*node)->delete_records(start).error().code(), Errc::kNotLeader);
    EXPECT_EQ((*node)->find_timestamp(Timestamp(0)).error().code(), Errc::kNotLeader);
    EXPECT_EQ((*node)->max_timestamp().error().code(), Errc::kNotLeader);
  }
  EXPECT_EQ(leads->delete_records(start), start);
  run(300);
  for (const auto& node : nodes_) {
    EXPECT_EQ((*node)->log_start(), start);
    EXPECT_EQ((*node)->read_cached(start - 1, 1).error().code(), Errc::kOffsetOutOfRange);
  }
}

TEST_F(ReplicatedPartitionTest, ADeletionIsAnsweredWhenAMajorityHasHeardOfIt) {
  Node& old = leader();
  for (int i = 0; i < 5; ++i) produce(old, "record");
  run(300);
  events_.clear();
  const Offset start = old->high_watermark() - 2;
  const auto note = [this](const Status& status) {
    events_.push_back(status ? "heard" : status.error().to_string());
  };
  Node& second = other_than(old);
  Node& last = third(old, second);
  second.is_cut_off = last.is_cut_off = true;
  EXPECT_EQ(old->delete_records(start), start);
  old->when_start_is_heard(note);
  settle();
  EXPECT_THAT(events_, ElementsAre()) << "nobody else knows";
  second.is_cut_off = false;
  run(200);
  EXPECT_THAT(events_, ElementsAre("heard"));
  EXPECT_EQ(second->log_start(), start);

  // The leader dies in that very moment.
  last.is_cut_off = false;
  EXPECT_EQ(old->delete_records(start + 1), start + 1);
  old->when_start_is_heard(note);
  settle();  // without the clock: no heartbeat was due
  EXPECT_THAT(events_, ElementsAre("heard", "heard"));
  old.is_cut_off = true;
  run(2'000);
  Node& now = leader();
  EXPECT_NE(now.id, old.id);
  EXPECT_EQ(now->log_start(), start + 1);
}

TEST_F(ReplicatedPartitionTest, ADeletionThatNobodyHeardOfHasAnUnknownOutcome) {
  Node& old = leader();
  produce(old, "record");
  run(300);
  events_.clear();
  old.is_cut_off = true;
  EXPECT_TRUE(old->delete_records(old->high_watermark()));
  old->when_start_is_heard([this](const Status& status) {
    events_.push_back(status ? "heard" : status.error().to_string());
  });
  run(2'000);
  EXPECT_THAT(events_, ElementsAre(HasSubstr("Timeout")));
  old->when_start_is_heard(
      [this](const Status& status) { events_.push_back(status.error().to_string()); });
  EXPECT_THAT(events_.back(), HasSubstr("NotLeader"));
}

TEST_F(ReplicatedPartitionTest, RotThatAScrubFindsIsFetchedFromTheLeader) {
  Node& leads = leader();
  for (int i = 0; i < 20; ++i) produce(leads, std::string(1'000, 'r'));
  run(1'000);
  Node& rotten = other_than(leads);
  const std::string path = "/data/p0/00000000000000000000.log";
  Bytes bytes = *rotten.env.contents(path);
  bytes[5'000] ^= std::byte{1};
  rotten.env.put(path, bytes);
  const auto pass = [&] {
    while (auto work = rotten->begin_scrub(4'096)) rotten->complete_scrub(work->run());
  };
  pass();
  EXPECT_EQ(rotten->damaged_ranges(), 1U);
  EXPECT_THAT(rotten->scrub_status().repair,
              HasSubstr("fetched from broker " + std::to_string(leads.id.value())));
  EXPECT_FALSE(rotten->health());
  run(1'000);
  EXPECT_EQ(rotten->damaged_ranges(), 0U);
  EXPECT_EQ(rotten->scrub_status().mended_runs, 1U);
  EXPECT_EQ(rotten->scrub_status().repair, "");
  EXPECT_TRUE(rotten->health());
  pass();
  EXPECT_EQ(rotten->damaged_ranges(), 0U);
  expect_equal_logs();
}

TEST_F(ReplicatedPartitionTest, ReceiptsCountTheDisksThatAreKnownToHaveIt) {
  Node& leads = leader();
  Node& other = other_than(leads);
  Node& slow = third(leads, other);
  run(300);
  EXPECT_EQ(leads->replicas(), 3U);
  slow.holds_disk = true;
  produce(leads, "one");
  const Offset end = leads->log_end();
  EXPECT_EQ(leads->replicas_durable_at(end), 0U);
  settle();
  EXPECT_EQ(leads->replicas_durable_at(end), 2U);
  slow.holds_disk = false;
  settle();
  EXPECT_EQ(leads->replicas_durable_at(end), 3U);
  EXPECT_EQ(other->replicas_durable_at(end), 2U) << "who knows that it is committed";
}

TEST_F(ReplicatedPartitionTest, WrittenPromisesNoLessThanFsynced) {
  EXPECT_EQ(leader()->answers_when(Durability::kWritten), Durability::kFsynced);
}

TEST_F(ReplicatedPartitionTest, AReplicaThatWasAwayCatchesUpFromADiskThatIsNotCached) {
  Node& lead = leader();
  run(200);
  Node& away = other_than(lead);
  bool closed = false;
  asio::co_spawn(shard_, away->close(), [&](const std::exception_ptr&, const Status& status) {
    closed = status.has_value();
  });
  settle();
  ASSERT_TRUE(closed);
  away.partition.reset();
  for (int i = 0; i < 20; ++i) produce(lead, "x");
  settle();
  EXPECT_EQ(events_.size(), 20U) << "two of three are enough";
  lead.env.set_cold(true);
  away.start();
  run(2'000);
  lead.env.set_cold(false);
  expect_equal_logs();
}

TEST_F(ReplicatedPartitionTest, LeadershipIsHandedOverOnRequest) {
  Node& lead = leader();
  run(200);
  Node& next = other_than(lead);
  produce(lead, "a");
  ASSERT_TRUE(lead->transfer_leadership(next.id));
  run(500);
  EXPECT_TRUE(next.leads());
  EXPECT_EQ(events_.size(), 1U) << "answered one way or the other";
  expect_equal_logs();
}

}  // namespace
}  // namespace penstock::broker
