// Consuming from several brokers while they die, hang, lead no more, or know nothing yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/consumer.h"
#include "tests/client/fake_cluster.h"
#include "tests/client/stories.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConsumerFailoverE2eTest : public testing::Test {
 protected:
  void open(ClientConfig config, ConsumerConfig consumer_config = {}) {
    auto client = Client::open(std::move(config));
    ASSERT_TRUE(client) << client.error().to_string();
    client_ = std::move(*client);
    consumer_config.max_wait = milliseconds(20);
    auto consumer = Consumer::open(*client_, consumer_config);
    ASSERT_TRUE(consumer) << consumer.error().to_string();
    consumer_ = std::move(*consumer);
  }
  void open() {
    brokers_.create_topic("orders", 1, 1);
    open(brokers_.config());
    assign();
  }
  void assign(StartAt start = StartAt::beginning()) {
    const Status assigned = consumer_->assign({{"orders", PartitionId(0), start}});
    ASSERT_TRUE(assigned) << assigned.error().to_string();
  }
  void append(const std::string& value) { brokers_[1].append("orders", 0, {value}); }
  // The next `count` values.
  std::vector<std::string> read(std::size_t count) {
    std::vector<std::string> values;
    const auto end = std::chrono::steady_clock::now() + kLong;
    while (values.size() < count && std::chrono::steady_clock::now() < end) {
      auto chunks = consumer_->poll(milliseconds(50));
      if (!chunks) {
        ADD_FAILURE() << chunks.error().to_string();
        break;
      }
      for (Chunk& chunk : *chunks) {
        while (auto record = *chunk.next()) values.emplace_back(as_text(*record->value));
      }
    }
    return values;
  }

  FakeCluster brokers_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Consumer> consumer_;
};

TEST_F(ConsumerFailoverE2eTest, ReadingGoesOnWhereItStoppedHoweverOftenTheLeaderMoves) {
  open();
  std::vector<std::string> wanted;
  std::vector<std::string> got;
  for (int i = 0; i < 30; ++i) {
    append(std::to_string(i));
    wanted.push_back(std::to_string(i));
    if (i % 10 == 5) brokers_.lead("orders", 0, 1 + (i / 10 + 1) % 3);
    const auto next = read(1);
    got.insert(got.end(), next.begin(), next.end());
  }
  EXPECT_EQ(got, wanted);
}

TEST_F(ConsumerFailoverE2eTest, TheLeaderDiesAndAnotherTakesOver) {
  open();
  append("a");
  EXPECT_THAT(read(1), ElementsAre("a"));
  brokers_[1].kill();
  brokers_.lead("orders", 0, -1);
  append("b");
  brokers_.lead("orders", 0, 3);
  EXPECT_THAT(read(1), ElementsAre("b"));
}

TEST_F(ConsumerFailoverE2eTest, ALeaderThatHangsIsLeftWhenAnotherLeads) {
  open();
  append("a");
  EXPECT_THAT(read(1), ElementsAre("a"));
  brokers_[1].hang();
  brokers_.lead("orders", 0, 2);
  append("b");
  EXPECT_THAT(read(1), ElementsAre("b"));  // long before the request timeout of 30 s
}

TEST_F(ConsumerFailoverE2eTest, ABrokerThatIsCutOffTellsOldNewsAndOthersAreAskedToo) {
  open();
  brokers_[1].freeze_metadata();
  brokers_[3].freeze_metadata();
  brokers_.lead("orders", 0, 3);
  brokers_.lead("orders", 0, 2);
  append("a");
  EXPECT_THAT(read(1), ElementsAre("a"));
}

TEST_F(ConsumerFailoverE2eTest, ATopicOfAMomentAgoHasNoLeaderYetAndIsWaitedFor) {
  brokers_.create_topic("orders", 1, -1);
  auto config = brokers_.config();
  config.request_timeout = milliseconds(1'000);
  open(config);
  const Status assigned = consumer_->assign({{"orders", PartitionId(0), StartAt::beginning()}});
  ASSERT_FALSE(assigned);
  EXPECT_THAT(assigned.error().message(),
              HasSubstr("no leader for orders/0: 2 of brokers 1, 2, 3 are needed"));
  assign(StartAt::offset(Offset(0)));
  append("a");
  EXPECT_TRUE(consumer_->poll(milliseconds(50))->empty());
  brokers_.lead("orders", 0, 2);
  EXPECT_THAT(read(1), ElementsAre("a"));
}

TEST_F(ConsumerFailoverE2eTest, OffsetsAreAskedOfTheNewLeader) {
  open();
  append("a");
  brokers_[1].hang();
  brokers_.lead("orders", 0, 2);
  auto ends = client_->admin().list_offsets("orders", StartAt::end());
  ASSERT_TRUE(ends) << ends.error().to_string();
  EXPECT_EQ(ends->at(0).offset, Offset(1));
}

TEST_F(ConsumerFailoverE2eTest, OffsetsThatNobodyLeadsAreAnErrorThatNamesTheBrokers) {
  brokers_.create_topic("orders", 1, -1);
  auto config = brokers_.config();
  config.request_timeout = milliseconds(100);
  open(config);
  const auto ends = client_->admin().list_offsets("orders", StartAt::end());
  ASSERT_FALSE(ends);
  EXPECT_EQ(ends.error().code(), Errc::kNotLeader);
  EXPECT_THAT(ends.error().message(), HasSubstr("see penstock cluster status"));
}

TEST_F(ConsumerFailoverE2eTest, AnyReplicaIsReadAlsoWhenTheLeaderIsGone) {
  brokers_.create_topic("orders", 1, 1);
  open(brokers_.config(), {.read_from = ReadFrom::kAnyReplica});
  assign();
  append("a");
  EXPECT_THAT(read(1), ElementsAre("a"));
  brokers_[1].kill();
  brokers_.lead("orders", 0, -1);
  append("b");
  EXPECT_THAT(read(1), ElementsAre("b"));
}

TEST_F(ConsumerFailoverE2eTest, AReplicaThatDiesIsReplaced) {
  brokers_.create_topic("orders", 1, 1);
  open(brokers_.config(), {.read_from = ReadFrom::kAnyReplica});
  assign();
  append("a");
  EXPECT_THAT(read(1), ElementsAre("a"));
  for (const int follower : {2, 3}) brokers_[follower].kill();
  append("b");
  EXPECT_THAT(read(1), ElementsAre("b"));
}

TEST_F(ConsumerFailoverE2eTest, AdministrationFindsABrokerThatAnswers) {
  brokers_.create_topic("orders", 1, 2);
  auto config = brokers_.config();
  config.request_timeout = milliseconds(2'000);
  open(config);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client_->admin().describe_topics({"orders"}));
  brokers_[1].kill();
  brokers_[2].hang();
  for (int i = 0; i < 3; ++i) {
    const auto topics = client_->admin().describe_topics({"orders"});
    ASSERT_TRUE(topics) << topics.error().to_string();
    EXPECT_EQ(topics->at(0).partitions.at(0).leader, 2);
  }
}

}  // namespace
}  // namespace penstock::client
