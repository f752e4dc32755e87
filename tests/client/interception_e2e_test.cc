// Interceptors, and calls that are given up while they wait.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "client/consumer.h"
#include "client/group_consumer.h"
#include "client/producer.h"
#include "testing/broker.h"

namespace penstock::client {
namespace {

using penstock::testing::FailHow;

constexpr milliseconds kAnHour{3'600'000};

class Interception : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = penstock::testing::Broker::start();
    ASSERT_TRUE(started) << started.error().to_string();
    broker = *std::move(started);
    client = broker->connect().value();
    ASSERT_TRUE(client->admin().create_topic({.name = "orders"}));
  }
  void TearDown() override { broker->clear_failures(); }

  static ProducerRecord record(std::string_view value) {
    return {.topic = "orders", .value = as_bytes(value)};
  }

  std::unique_ptr<penstock::testing::Broker> broker;
  std::unique_ptr<Client> client;
};

// Gives up what waits, again and again, until it has ended: a call that does not wait yet is not
// meant.
template <typename GiveUp>
class GivingUp {
 public:
  explicit GivingUp(GiveUp give_up)
      : thread_([this, give_up = std::move(give_up)] {
          while (!over_) give_up();
        }) {}
  ~GivingUp() {
    over_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

TEST_F(Interception, AnInterceptorChangesRecordsRefusesThemAndSeesWhatBecomesOfThem) {
  std::vector<Offset> told;
  const std::vector<record::HeaderView> origin = {{"origin", as_bytes("test")}};
  ProducerConfig config;
  config.interceptors.push_back(
      {.accepting = [&](ProducerRecord& one) -> Status {
         if (!one.value) return fail(Errc::kInvalidArgument, "no order without a value");
         one.headers = origin;
         return {};
       },
       .delivered = [&](const Delivery& delivery) { told.push_back(delivery.offset); }});
  auto producer = Producer::open(*client, config).value();
  ASSERT_TRUE(producer->produce_and_wait(record("kept")));
  const Status refused = producer->produce({.topic = "orders"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "no order without a value");
  EXPECT_EQ(told, std::vector<Offset>{Offset(0)});

  std::size_t shown = 0;
  ConsumerConfig reading;
  reading.interceptors.emplace_back([&](const Chunk& chunk) { shown += chunk.batches().size(); });
  auto consumer = Consumer::open(*client, reading).value();
  ASSERT_TRUE(consumer->assign({{"orders", PartitionId(0), StartAt::beginning()}}));
  auto chunks = consumer->poll(kAnHour);
  ASSERT_TRUE(chunks);
  ASSERT_EQ(chunks->size(), 1U);
  EXPECT_EQ(shown, chunks->front().batches().size());
  const auto read = chunks->front().next();
  ASSERT_TRUE(read && *read);
  const auto headers = (*read)->headers.decode();
  ASSERT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers[0].key, "origin");
}

TEST_F(Interception, APollOfAConsumerIsWoken) {
  auto consumer = Consumer::open(*client, {}).value();
  ASSERT_TRUE(consumer->assign({{"orders", PartitionId(0), StartAt::beginning()}}));
  const GivingUp waking([&] { consumer->wake(); });
  EXPECT_TRUE(consumer->poll(kAnHour).value().empty());
}

TEST_F(Interception, APollOfAGroupsMemberIsWokenAndTheMemberStays) {
  auto member = GroupConsumer::open(*client, {.group = "workers", .topics = {"orders"}}).value();
  while (member->assignment().empty()) ASSERT_TRUE(member->poll(milliseconds(50)));
  {
    const GivingUp waking([&] { member->wake(); });
    EXPECT_TRUE(member->poll(kAnHour).value().empty());
  }
  EXPECT_FALSE(member->assignment().empty());
  EXPECT_TRUE(member->commit());
}

// As long as nothing is answered, nothing has an outcome.
TEST_F(Interception, CallsOfAProducerAreGivenUp) {
  auto producer = Producer::open(*client, {.linger = milliseconds(0),
                                           .max_record_bytes = 1'000,
                                           .memory_limit_bytes = 4'000,
                                           .max_block = kAnHour,
                                           .delivery_timeout = kAnHour})
                      .value();
  ASSERT_TRUE(producer->produce_and_wait(record("known now")));
  broker->fail_next({.how = FailHow::kRequestLost, .times = 1'000'000});
  {
    const GivingUp cancelling([&] { producer->cancel(); });
    const auto in_doubt = producer->produce_and_wait(record("in doubt"));
    ASSERT_FALSE(in_doubt);
    EXPECT_EQ(in_doubt.error().code(), Errc::kCancelled);

    Status accepted;
    while (accepted) accepted = producer->produce(record(std::string(500, 'x')));
    EXPECT_EQ(accepted.error().code(), Errc::kOverloaded);
    EXPECT_EQ(accepted.error().outcome(), Outcome::kNotDone);

    const Status flushed = producer->flush(kAnHour);
    ASSERT_FALSE(flushed);
    EXPECT_EQ(flushed.error().code(), Errc::kCancelled);
    EXPECT_TRUE(producer->poll(kAnHour).empty());
  }
  broker->clear_failures();
  EXPECT_TRUE(producer->flush(kAnHour)) << "what was accepted was still under way";
}

}  // namespace
}  // namespace penstock::client
