// Producing to several brokers while they die, hang, lead no more, or know nothing yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "client/producer.h"
#include "tests/client/fake_cluster.h"
#include "tests/client/stories.h"

namespace penstock::client {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = ProduceFault::Kind;

class ProducerFailoverE2eTest : public testing::Test {
 protected:
  void open(ClientConfig config, ProducerConfig producer_config = {.linger = milliseconds(0)}) {
    auto client = Client::open(std::move(config));
    ASSERT_TRUE(client) << client.error().to_string();
    client_ = std::move(*client);
    producer_config.reports = DeliveryReports::kAll;
    auto producer = Producer::open(*client_, producer_config);
    ASSERT_TRUE(producer) << producer.error().to_string();
    producer_ = std::move(*producer);
  }
  void open() {
    brokers_.create_topic("orders", 1, 1);
    open(brokers_.config());
  }
  void produce_one(const std::string& value) {
    const Status accepted = produce(*producer_, "orders", 0, value, 0);
    ASSERT_TRUE(accepted) << accepted.error().to_string();
  }
  void flush() {
    const Status flushed = producer_->flush(kLong);
    ASSERT_TRUE(flushed) << flushed.error().to_string();
  }
  // "ok", or the code of its error, for each record.
  std::vector<std::string> outcomes() {
    std::vector<std::string> texts;
    for (const Delivery& delivery : producer_->poll(milliseconds(0))) {
      texts.push_back(delivery.error ? std::string(info(delivery.error->code()).name) : "ok");
      if (delivery.error) last_message_ = delivery.error->message();
    }
    return texts;
  }

  FakeCluster brokers_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
  std::string last_message_;
};

TEST_F(ProducerFailoverE2eTest, TheLeaderMovesMidStreamAndNothingIsLostTwiceOrOutOfOrder) {
  open();
  std::vector<std::string> wanted;
  for (int i = 0; i < 600; ++i) {
    if (i % 100 == 50) brokers_.lead("orders", 0, 1 + (i / 100 + 1) % 3);
    produce_one(std::to_string(i));
    wanted.push_back(std::to_string(i));
  }
  flush();
  EXPECT_EQ(brokers_.values("orders"), wanted);
  EXPECT_THAT(outcomes(), Each("ok"));
}

TEST_F(ProducerFailoverE2eTest, TheLeaderDiesAndAnotherTakesOver) {
  open();
  produce_one("a");
  flush();
  brokers_[1].kill();
  produce_one("b");
  produce_one("c");
  brokers_.lead("orders", 0, -1);
  brokers_.lead("orders", 0, 2);
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(outcomes(), ElementsAre("ok", "ok", "ok"));
}

TEST_F(ProducerFailoverE2eTest, ALeaderThatDiesBeforeItsAnswerMayLeaveTheRecordTwiceButInOrder) {
  open();
  produce_one("a");
  flush();
  brokers_[1].on_produce({ProduceFault::of(Kind::kCutAfterWrite)});
  produce_one("b");
  brokers_[1].await_produce_requests(2);
  brokers_.lead("orders", 0, 3);
  produce_one("c");
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a", "b", "b", "c"));
  EXPECT_THAT(outcomes(), Each("ok"));
}

TEST_F(ProducerFailoverE2eTest, ALeaderThatHangsIsLeftWhenAnotherLeads) {
  open();
  produce_one("a");
  flush();
  brokers_[1].hang();
  produce_one("b");
  brokers_.lead("orders", 0, 2);
  flush();  // long before the request timeout of 30 s
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a", "b"));
  EXPECT_THAT(outcomes(), Each("ok"));
  brokers_[1].resume();
  produce_one("c");
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a", "b", "c")) << "the old leader refuses";
}

TEST_F(ProducerFailoverE2eTest, AQuorumThatIsNotReachedAtTheOldLeaderIsReachedAtTheNew) {
  open();
  brokers_[1].on_produce({ProduceFault{Kind::kRefuse, Error(Errc::kTimeout)}});
  produce_one("a");
  brokers_[1].await_produce_requests(1);
  brokers_.lead("orders", 0, 2);
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a"));
  EXPECT_THAT(outcomes(), ElementsAre("ok"));
}

TEST_F(ProducerFailoverE2eTest, ABrokerThatIsCutOffTellsOldNewsAndOthersAreAskedToo) {
  open();
  produce_one("a");
  flush();
  brokers_[1].freeze_metadata();
  brokers_[2].freeze_metadata();
  brokers_.lead("orders", 0, 3);
  brokers_.lead("orders", 0, 2);
  produce_one("b");
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a", "b"));
}

TEST_F(ProducerFailoverE2eTest, TheFirstAddressIsDead) {
  brokers_.create_topic("orders", 1, 3);
  brokers_[1].kill();
  open(brokers_.config({1, 2}));
  produce_one("a");
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a"));
}

TEST_F(ProducerFailoverE2eTest, OneAddressIsEnoughAndMayDieLater) {
  brokers_.create_topic("orders", 1, 1);
  open(brokers_.config({1}));
  produce_one("a");
  flush();
  brokers_[1].kill();
  brokers_.lead("orders", 0, 3);
  produce_one("b");
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a", "b"));
}

TEST_F(ProducerFailoverE2eTest, ABrokerWithoutThisTopicYetIsNotBelieved) {
  brokers_.create_topic("orders", 1, 3);
  brokers_[1].has_not_heard_of("orders");
  brokers_[2].has_not_heard_of("orders");
  open(brokers_.config());
  for (int i = 0; i < 5; ++i) {
    produce_one(std::to_string(i));
    flush();
    brokers_.lead("orders", 0, i % 2 == 0 ? 2 : 3);
  }
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("0", "1", "2", "3", "4"));
  EXPECT_EQ(produce(*producer_, "nobody_knows_it", 0, "x").error().code(), Errc::kUnknownTopic);
}

TEST_F(ProducerFailoverE2eTest, ABrokerThatIsStillStartingIsPassedOver) {
  brokers_.create_topic("orders", 1, 2);
  brokers_[1].answer_not_ready(1'000'000);
  open(brokers_.config({1, 3}));
  produce_one("a");
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a"));
}

TEST_F(ProducerFailoverE2eTest, ATopicOfAMomentAgoHasNoLeaderYetAndIsWaitedFor) {
  brokers_.create_topic("orders", 1, -1);
  open(brokers_.config());
  produce_one("a");
  brokers_.lead("orders", 0, 3);
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a"));
}

TEST_F(ProducerFailoverE2eTest, WhenNobodyLeadsInTimeTheBrokersThatAreNeededAreNamed) {
  brokers_.create_topic("orders", 1, -1);
  open(brokers_.config(), {.linger = milliseconds(0), .delivery_timeout = milliseconds(100)});
  produce_one("a");
  flush();
  EXPECT_THAT(outcomes(), ElementsAre("NotLeader"));
  EXPECT_THAT(last_message_, HasSubstr("no leader for orders/0: 2 of brokers 1, 2, 3 are needed"));
}

TEST_F(ProducerFailoverE2eTest, AnAddressThatPassedToAnotherClusterIsNotWrittenTo) {
  open();
  produce_one("a");
  flush();
  brokers_[1].kill();
  FakeBroker stranger({.port = brokers_[1].endpoint().port, .cluster = 8});
  stranger.create_topic("orders", 1);
  produce_one("b");
  while (stranger.connections() == 0) std::this_thread::yield();
  brokers_.lead("orders", 0, 2);
  flush();
  EXPECT_THAT(brokers_.values("orders"), ElementsAre("a", "b"));
  EXPECT_THAT(stranger.values("orders", 0), testing::IsEmpty());
  EXPECT_EQ(stranger.metadata_requests(), 0U);
}

}  // namespace
}  // namespace penstock::client
