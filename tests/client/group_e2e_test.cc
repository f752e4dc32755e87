// Stories of consumers that share a topic, with a whole broker: nothing is missed, nothing that was
// committed is processed again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "client/group_consumer.h"
#include "client/producer.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::client {
namespace {

using broker::kPatience;
using broker::ScratchDir;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kTopic = "flights";
constexpr auto kGroup = "board";
constexpr std::uint32_t kPartitions = 6;

// Every record, by partition and offset: how often it was processed, and what was committed before.
class Journal {
 public:
  void processed(const GroupPartition& partition, Offset offset) {
    const std::scoped_lock lock(mutex_);
    ++times_[{partition, offset}];
    const auto committed = committed_.find(partition);
    if (committed != committed_.end() && offset < committed->second) {
      wrong_.push_back(partition.topic + "/" + std::to_string(partition.partition.value()) + " " +
                       std::to_string(offset.value()) + " was processed again after its commit");
    }
  }
  void committed(const std::map<GroupPartition, Offset>& positions) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [partition, next] : positions) {
      Offset& known = committed_[partition];
      known = std::max(known, next);
    }
  }
  std::size_t distinct() const {
    const std::scoped_lock lock(mutex_);
    return times_.size();
  }
  std::vector<std::string> wrong() const {
    const std::scoped_lock lock(mutex_);
    return wrong_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<GroupPartition, Offset>, int> times_;
  std::map<GroupPartition, Offset> committed_;
  std::vector<std::string> wrong_;
};

// A process that consumes: its own client, its own thread.
class Worker {
 public:
  enum class End { kRuns, kLeaves, kHangs };

  Worker(std::uint16_t port, Journal& journal, GroupConfig config) : journal_(journal) {
    config.group = kGroup;
    if (config.pattern.empty()) config.topics = {kTopic};
    config.callbacks.revoked = [this](const auto&) { commit(); };
    config.callbacks.lost = [this](const auto&) {
      ++times_lost;
      uncommitted_.clear();
    };
    client_ = *Client::open({.bootstrap = {{"127.0.0.1", port}}});
    consumer_ = *GroupConsumer::open(*client_, std::move(config));
    thread_ = std::thread([this] { run(); });
  }
  ~Worker() { end(End::kLeaves); }

  // Hangs: lives, and asks for nothing any more.
  void hang() { end_ = End::kHangs; }
  void go_on() {
    end_ = End::kRuns;
    end_.notify_all();
  }
  void leave() { end(End::kLeaves); }
  std::vector<GroupPartition> assignment() const { return consumer_->assignment(); }
  bool is_settled() const { return consumer_->stats().is_settled; }

  std::atomic<int> times_lost = 0;
  std::atomic<int> refused = 0;  // commits
  std::atomic<bool> hangs = false;

 private:
  void end(End how) {
    if (!thread_.joinable()) return;
    end_ = how;
    end_.notify_all();
    thread_.join();
    EXPECT_TRUE(consumer_->close());
  }

  void run() {
    while (end_ != End::kLeaves) {
      if (end_ == End::kHangs) {
        hangs = true;
        end_.wait(End::kHangs);
        continue;
      }
      auto chunks = consumer_->poll(milliseconds(100));
      if (!chunks) {
        ADD_FAILURE() << chunks.error().to_string();
        return;
      }
      for (Chunk& chunk : *chunks) process(chunk);
      commit();
    }
  }
  void process(Chunk& chunk) {
    const GroupPartition partition{chunk.topic(), chunk.partition()};
    while (true) {
      const auto record = chunk.next();
      ASSERT_TRUE(record);
      if (!*record) break;
      journal_.processed(partition, (*record)->offset);
    }
    uncommitted_[partition] = chunk.next_offset();
  }
  void commit() {
    if (uncommitted_.empty()) return;
    if (const Status done = consumer_->commit(); !done) {
      ++refused;
      EXPECT_TRUE(done.error().code() == Errc::kUnknownMember ||
                  done.error().code() == Errc::kNotOwner)
          << done.error().to_string();
      return;
    }
    journal_.committed(uncommitted_);
    uncommitted_.clear();
  }

  Journal& journal_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<GroupConsumer> consumer_;
  std::map<GroupPartition, Offset> uncommitted_;
  std::atomic<End> end_ = End::kRuns;
  std::thread thread_;
};

class Groups : public testing::Test {
 protected:
  Groups() : broker_(broker::start_broker(broker::test_config(scratch_ / "data"))) {
    client_ = *Client::open({.bootstrap = {{"127.0.0.1", broker_->port()}}});
    EXPECT_TRUE(client_->admin().create_topic({.name = kTopic, .partitions = kPartitions}));
    producer_ = *Producer::open(*client_, {});
  }
  ~Groups() override { EXPECT_TRUE(producer_->close(milliseconds(kPatience))); }

  void produce(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string value = std::to_string(produced_++);
      ASSERT_TRUE(producer_->produce(
          {.topic = kTopic, .value = ByteView(std::as_bytes(std::span(value)))}));
    }
    ASSERT_TRUE(producer_->flush(milliseconds(kPatience)));
  }
  std::unique_ptr<Worker> worker(GroupConfig config = {}) {
    return std::make_unique<Worker>(broker_->port(), journal_, std::move(config));
  }
  static GroupConfig impatient() {
    GroupConfig config;
    config.session_timeout = milliseconds(3'000);
    config.max_poll_interval = milliseconds(1'000);
    return config;
  }
  static void until(const std::string& what, const std::function<bool()>& holds) {
    ASSERT_TRUE(broker::holds_at_last(holds)) << what;
  }
  bool share(const std::vector<Worker*>& workers, std::size_t each) {
    std::set<GroupPartition> all;
    for (const Worker* one : workers) {
      const auto own = one->assignment();
      if (own.size() != each || !one->is_settled()) return false;
      all.insert(own.begin(), own.end());
    }
    return all.size() == workers.size() * each;
  }
  std::int64_t lag() {
    const auto group = client_->admin().describe_group(kGroup);
    const auto ends = client_->admin().list_offsets(kTopic, StartAt::end());
    if (!group || !ends) return -1;
    std::int64_t all = 0;
    for (const OffsetAnswer& end : *ends) all += end.offset.value();
    for (const auto& position : group->positions) all -= position.offset.value();
    return all;
  }

  ScratchDir scratch_;
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  Journal journal_;
  int produced_ = 0;
};

TEST_F(Groups, ThreeShareOneHangsOneIsAddedAndNothingIsMissedNorDoneTwiceAfterItsCommit) {
  auto first = worker();
  auto second = worker(impatient());
  auto third = worker();
  produce(2'000);
  until("each has a third", [&] { return share({first.get(), second.get(), third.get()}, 2); });
  produce(2'000);

  second->hang();
  until("it hangs", [&] { return second->hangs.load(); });
  produce(2'000);
  until("the others have its share", [&] { return share({first.get(), third.get()}, 3); });
  auto fourth = worker();
  produce(2'000);
  until("the new one has its share",
        [&] { return share({first.get(), third.get(), fourth.get()}, 2); });
  produce(1'000);

  until("everything is read", [&] { return journal_.distinct() == std::size_t(produced_); });
  until("and committed", [&] { return lag() == 0; });
  for (const Worker* one : {first.get(), third.get(), fourth.get()}) {
    EXPECT_EQ(one->times_lost, 0) << "no change made the others stop";
    EXPECT_EQ(one->refused, 0);
  }
  EXPECT_THAT(journal_.wrong(), IsEmpty());
}

TEST_F(Groups, WhoLeavesHandsOverAtOnceWithItsPosition) {
  auto first = worker();
  produce(500);
  until("all is read", [&] { return journal_.distinct() == std::size_t(produced_); });
  auto second = worker();
  until("they share", [&] { return share({first.get(), second.get()}, 3); });
  first->leave();
  until("the second has all", [&] { return share({second.get()}, kPartitions); });
  produce(500);
  until("all is read", [&] { return journal_.distinct() == std::size_t(produced_); });
  EXPECT_THAT(journal_.wrong(), IsEmpty());
  second->leave();
  EXPECT_EQ(lag(), 0);
}

TEST_F(Groups, AMemberThatComesBackFromItsHangKnowsThatItWasLost) {
  auto first = worker(impatient());
  until("it has all", [&] { return share({first.get()}, kPartitions); });
  auto config = impatient();
  config.max_poll_interval = milliseconds(0);
  auto second = worker(config);
  until("they share", [&] { return share({first.get(), second.get()}, 3); });
  first->hang();
  until("the second has all", [&] { return share({second.get()}, kPartitions); });
  first->go_on();
  until("it hears that it was lost", [&] { return first->times_lost == 1; });
  until("and has a share again", [&] { return share({first.get(), second.get()}, 3); });
  EXPECT_EQ(second->times_lost, 0);
}

TEST_F(Groups, AStaticMembersShareWaitsForItsRestart) {
  GroupConfig config;
  config.instance = "desk-1";
  auto first = worker(config);
  auto second = worker();
  until("they share", [&] { return share({first.get(), second.get()}, 3); });
  const auto before = first->assignment();
  first->leave();
  first.reset();
  const auto group = client_->admin().describe_group(kGroup);
  ASSERT_TRUE(group);
  EXPECT_THAT(group->members, SizeIs(2)) << "it is away, and expected back";
  EXPECT_THAT(second->assignment(), SizeIs(3));
  first = worker(config);
  until("it is back", [&] { return share({first.get(), second.get()}, 3); });
  EXPECT_EQ(first->assignment(), before);
}

TEST_F(Groups, AdministrationSeesAndChangesGroups) {
  EXPECT_THAT(*client_->admin().list_groups(), IsEmpty());
  EXPECT_EQ(client_->admin().describe_group(kGroup).error().code(), Errc::kUnknownGroup);
  auto first = worker();
  produce(600);
  until("all is committed", [&] { return lag() == 0; });
  const auto groups = client_->admin().list_groups();
  ASSERT_TRUE(groups) << groups.error().to_string();
  ASSERT_THAT(*groups, SizeIs(1));
  EXPECT_EQ(groups->front().members, 1U);

  const auto described = client_->admin().describe_group(kGroup);
  ASSERT_TRUE(described);
  EXPECT_EQ(client_->admin().delete_group(kGroup).error().code(), Errc::kGroupNotEmpty);
  std::vector<GroupReset> changes;
  for (const auto& position : described->positions) {
    changes.push_back({position.partition.id, Offset(0)});
  }
  LogEnds ends;
  const auto topics = client_->admin().describe_topics({kTopic});
  ASSERT_TRUE(topics);
  for (const PartitionDescription& one : topics->front().partitions) {
    ends[{topics->front().id, one.partition}] = one.high_watermark;
  }
  const auto explained = client_->admin().explain_group(kGroup, ends);
  ASSERT_TRUE(explained);
  ASSERT_THAT(explained->reasons, SizeIs(1));
  EXPECT_EQ(explained->reasons[0].cause, "at-end");

  first->leave();
  const auto planned = client_->admin().reset_group(kGroup, changes, Rehearsal::kDryRun);
  ASSERT_TRUE(planned) << planned.error().to_string();
  EXPECT_EQ(lag(), 0);
  ASSERT_TRUE(client_->admin().reset_group(kGroup, changes, Rehearsal::kCarryOut));
  EXPECT_EQ(lag(), produced_);
  ASSERT_TRUE(client_->admin().delete_group(kGroup));
  EXPECT_EQ(client_->admin().describe_group(kGroup).error().code(), Errc::kUnknownGroup);
}

TEST_F(Groups, APatternFindsTopicsThatComeLater) {
  GroupConfig config;
  config.pattern = "flights.*";
  auto first = worker(config);
  until("it has all", [&] { return share({first.get()}, kPartitions); });
  ASSERT_TRUE(client_->admin().create_topic({.name = "flights.late", .partitions = 2}));
  until("and the new ones", [&] { return share({first.get()}, kPartitions + 2); });
}

TEST_F(Groups, AWrongConfigIsRefusedAtOnce) {
  const auto refused = [&](GroupConfig config) {
    const auto consumer = GroupConsumer::open(*client_, std::move(config));
    return !consumer && consumer.error().code() == Errc::kInvalidArgument;
  };
  EXPECT_TRUE(refused({.group = "", .topics = {kTopic}}));
  EXPECT_TRUE(refused({.group = kGroup}));
  EXPECT_TRUE(refused({.group = kGroup, .topics = {kTopic}, .pattern = "f.*"}));
  EXPECT_TRUE(refused({.group = kGroup, .topics = {kTopic}, .session_timeout = milliseconds(10)}));

  auto wrong = GroupConsumer::open(*client_, {.group = kGroup, .pattern = "(flights"});
  ASSERT_TRUE(wrong);
  const auto polled = (*wrong)->poll(milliseconds(kPatience));
  ASSERT_FALSE(polled);
  EXPECT_EQ(polled.error().code(), Errc::kInvalidArgument);
  EXPECT_TRUE((*wrong)->close());
}

}  // namespace
}  // namespace penstock::client
