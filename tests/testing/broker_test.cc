// The broker for applications' tests, used as an application would.
#include "testing/broker.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/consumer.h"
#include "client/group_consumer.h"
#include "client/producer.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;
using testing::FailHow;

constexpr milliseconds kPatience{30'000};

class TestBroker : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = testing::Broker::start();
    ASSERT_TRUE(started) << started.error().to_string();
    broker = *std::move(started);
    client = connect({});
  }

  std::unique_ptr<client::Client> connect(client::ClientConfig config) {
    auto made = broker->connect(std::move(config));
    EXPECT_TRUE(made) << made.error().to_string();
    return made ? *std::move(made) : nullptr;
  }

  void create(const std::map<std::string, std::string>& settings = {}) {
    const auto created = client->admin().create_topic({.name = "orders", .settings = settings});
    ASSERT_TRUE(created) << created.error().to_string();
  }

  std::unique_ptr<client::Producer> producer(client::ProducerConfig config = {}) {
    config.linger = milliseconds(0);
    return client::Producer::open(*client, std::move(config)).value();
  }

  static client::Delivery publish(client::Producer& producer, std::string_view value) {
    auto delivery = producer.produce_and_wait({.topic = "orders", .value = as_bytes(value)});
    EXPECT_TRUE(delivery) << delivery.error().to_string();
    return delivery.value_or(client::Delivery{});
  }

  // All values of the topic, from its beginning to its end.
  std::vector<std::string> values() {
    std::vector<std::string> found;
    auto consumer = client::Consumer::open(*client, {}).value();
    EXPECT_TRUE(consumer->assign({{"orders", PartitionId(0), client::StartAt::beginning()}}));
    const auto end = client->admin().list_offsets("orders", client::StartAt::end()).value();
    while (consumer->position("orders", PartitionId(0)).value() < end.front().offset) {
      auto chunks = consumer->poll(kPatience);
      if (!chunks) {
        ADD_FAILURE() << chunks.error().to_string();
        break;
      }
      for (client::Chunk& chunk : *chunks) {
        for (auto record = chunk.next(); record && *record; record = chunk.next()) {
          found.emplace_back(as_text((*record)->value.value_or(ByteView())));
        }
      }
    }
    return found;
  }

  std::unique_ptr<testing::Broker> broker;
  std::unique_ptr<client::Client> client;
};

TEST_F(TestBroker, KeepsWhatItIsGivenOverARestart) {
  create();
  const auto before = broker->endpoint();
  publish(*producer(), "first");
  ASSERT_TRUE(broker->restart());
  EXPECT_EQ(broker->endpoint().to_string(), before.to_string());
  publish(*producer(), "second");
  EXPECT_EQ(values(), (std::vector<std::string>{"first", "second"}));
}

TEST_F(TestBroker, StandsBesideOthers) {
  create();
  auto other = testing::Broker::start().value();
  EXPECT_NE(other->endpoint().port, broker->endpoint().port);
  auto there = other->connect().value();
  EXPECT_TRUE(there->admin().describe_topics().value().empty());
}

TEST_F(TestBroker, RefusesWhatTheTestWantsRefused) {
  create();
  auto to = producer();
  broker->fail_next({.error = Error(Errc::kRecordTooLarge, "no room in this test")});
  const client::Delivery refused = publish(*to, "never");
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code(), Errc::kRecordTooLarge);
  EXPECT_EQ(broker->failed(), 1U);
  EXPECT_FALSE(publish(*to, "goes on").error);
  EXPECT_EQ(values(), std::vector<std::string>{"goes on"});
}

// A lost answer is what makes producers write twice; with numbers they do not.
TEST_F(TestBroker, LosesAnswersAndRequestsAndNothingIsThereTwice) {
  create();
  auto to = producer();
  for (const FailHow how : {FailHow::kAnswerLost, FailHow::kRequestLost}) {
    broker->fail_next({.how = how, .times = 2});
    EXPECT_FALSE(publish(*to, how == FailHow::kAnswerLost ? "answer" : "request").error);
  }
  EXPECT_EQ(broker->failed(), 4U);
  EXPECT_GE(to->stats().retries, 4U);
  EXPECT_EQ(values(), (std::vector<std::string>{"answer", "request"}));
}

TEST_F(TestBroker, WithoutNumbersALostAnswerIsSaidToBePossiblyTwice) {
  create();
  auto to = producer({.enable_idempotence = false});
  broker->fail_next({.how = FailHow::kAnswerLost});
  const client::Delivery delivery = publish(*to, "twice");
  EXPECT_FALSE(delivery.error);
  EXPECT_TRUE(delivery.may_be_twice);
  EXPECT_EQ(values(), (std::vector<std::string>{"twice", "twice"}));
}

TEST_F(TestBroker, FailsOnlyTheClientThatIsNamed) {
  create();
  broker->fail_next({.api = wire::Api::kDescribeTopics,
                     .client_name = "unlucky",
                     .error = Error(Errc::kInvalidArgument, "not you"),
                     .times = 100});
  EXPECT_TRUE(client->admin().describe_topics({"orders"}));
  auto unlucky = connect({.client_name = "unlucky"});
  const auto refused = unlucky->admin().describe_topics({"orders"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kInvalidArgument);
  broker->clear_failures();
  EXPECT_TRUE(unlucky->admin().describe_topics({"orders"}));
}

TEST_F(TestBroker, IsFullAndHasRoomAgain) {
  create();
  auto to = producer({.delivery_timeout = milliseconds(1'000)});
  broker->limit_disk(0);
  const client::Delivery refused = publish(*to, std::string(300'000, 'x'));
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->outcome(), Outcome::kNotDone);
  broker->lift_disk_limit();
  EXPECT_FALSE(publish(*producer(), "fits").error) << "which looks again until there is room";
}

// What takes a quarter of a minute is over at once: nobody waits for a clock that the test holds.
TEST_F(TestBroker, TakesAMemberForDeadWhenItsTimeIsOver) {
  create();
  publish(*producer(), "a task");
  auto silent_client = connect({.client_name = "silent"});
  const client::GroupConfig config{
      .group = "workers", .topics = {"orders"}, .session_timeout = milliseconds(15'000)};
  auto silent = client::GroupConsumer::open(*silent_client, config).value();
  while (silent->assignment().empty()) ASSERT_TRUE(silent->poll(milliseconds(50)));
  broker->fail_next({.api = wire::Api::kGroupHeartbeat,
                     .client_name = "silent",
                     .times = 1'000'000});  // from now on it is not heard
  EXPECT_EQ(client->admin().describe_group("workers").value().members.size(), 1U);

  broker->advance(milliseconds(15'001));
  auto next = client::GroupConsumer::open(*client, config).value();
  while (next->assignment().empty()) ASSERT_TRUE(next->poll(milliseconds(50)));
  EXPECT_EQ(next->assignment().front().topic, "orders");
}

}  // namespace
}  // namespace penstock
