// The coroutine API on an executor of the application's own: one thread, no other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "client/async_admin.h"
#include "client/async_consumer.h"
#include "client/async_producer.h"
#include "tests/client/fake_broker.h"
#include "tests/client/stories.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;

ClientConfig config_for(const FakeBroker& broker) {
  ClientConfig config;
  config.bootstrap = {broker.endpoint()};
  config.retry_backoff = milliseconds(1);
  config.retry_backoff_max = milliseconds(20);
  return config;
}

// Runs one story to its end on an executor of its own.
class CoroutineTest : public testing::Test {
 protected:
  template <typename Story>
  void run(Story story) {
    asio::io_context context(1);
    Cluster cluster(context.get_executor(), config_for(broker_));
    TaskGroup tasks(context.get_executor());
    tasks.spawn("story", story(cluster));
    context.run();
    EXPECT_EQ(tasks.running(), 0U);
  }
  FakeBroker broker_;
};

Task<void> publish_and_read(Cluster& cluster) {
  EXPECT_TRUE(co_await cluster.open());
  AsyncAdmin admin(cluster);
  const NewTopic topic{.name = "orders", .partitions = 1};
  EXPECT_TRUE(co_await admin.create_topic(topic));

  auto producer = *AsyncProducer::open(cluster, {.reports = DeliveryReports::kAll});
  for (const std::string_view value : {"a", "b"}) {
    EXPECT_TRUE(co_await producer->produce({.topic = "orders", .value = as_bytes(value)}));
  }
  const auto third =
      co_await producer->produce_and_wait({.topic = "orders", .value = as_bytes("c")});
  EXPECT_EQ(third->offset, Offset(2));
  EXPECT_TRUE(co_await producer->flush(kLong));
  EXPECT_EQ(producer->take_deliveries().size(), 2U);
  EXPECT_TRUE(co_await producer->close(kLong));

  auto consumer = *AsyncConsumer::open(cluster, {});
  std::vector<Assignment> all{{"orders", PartitionId(0), StartAt::beginning()}};
  EXPECT_TRUE(co_await consumer->assign(std::move(all)));
  std::vector<std::string> values;
  while (values.size() < 3) {
    auto chunks = co_await consumer->poll(kLong);
    for (Chunk& chunk : *chunks) {
      while (auto record = *chunk.next()) values.emplace_back(as_text(*record->value));
    }
  }
  EXPECT_THAT(values, ElementsAre("a", "b", "c"));
  EXPECT_TRUE((co_await consumer->poll(milliseconds(5)))->empty());
  co_await consumer->close();
  co_await cluster.close();
}

TEST_F(CoroutineTest, RecordsGoThereAndBackOnOneThread) { run(publish_and_read); }

Task<void> wait_for_memory(Cluster& cluster) {
  EXPECT_TRUE(co_await cluster.open());
  auto producer = *AsyncProducer::open(
      cluster, {.batch_bytes = 2'000, .memory_limit_bytes = 10'000, .max_block = kLong});
  const std::string value(1'000, 'x');
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(co_await producer->produce({.topic = "orders", .value = as_bytes(value)}));
  }
  EXPECT_TRUE(co_await producer->close(kLong));
  EXPECT_EQ(producer->stats().records_delivered, 100U);
  EXPECT_EQ(producer->stats().memory_bytes, 0U);
  co_await cluster.close();
}

TEST_F(CoroutineTest, AFullProducerSuspendsItsCallerInsteadOfBlockingTheThread) {
  broker_.create_topic("orders", 1);
  run(wait_for_memory);
  EXPECT_EQ(broker_.values("orders", 0).size(), 100U);
}

Task<void> give_up_waiting(Cluster& cluster) {
  EXPECT_TRUE(co_await cluster.open());
  auto producer =
      *AsyncProducer::open(cluster, {.memory_limit_bytes = 2'000, .max_block = milliseconds(20)});
  const std::string value(1'000, 'x');
  EXPECT_TRUE(co_await producer->produce({.topic = "orders", .value = as_bytes(value)}));
  const Status full = co_await producer->produce({.topic = "orders", .value = as_bytes(value)});
  EXPECT_EQ(full.error().code(), Errc::kOverloaded);
  const Status closed = co_await producer->close(milliseconds(20));
  EXPECT_EQ(closed.error().code(), Errc::kTimeout);
  co_await cluster.close();
}

TEST_F(CoroutineTest, WaitingForMemoryEndsAtMaxBlock) {
  broker_.create_topic("orders", 1);
  broker_.hold_produces();
  run(give_up_waiting);
}

// Counts how often anybody looks at it: each round of a producer does.
class CountingClock final : public Clock {
 public:
  Timestamp wall() const override { return system_clock().wall(); }
  std::int64_t steady_ns() const override {
    ++looks;
    return system_clock().steady_ns();
  }
  mutable int looks = 0;
};

Task<void> wait_without_work(Cluster& cluster) {
  EXPECT_TRUE(co_await cluster.open());
  CountingClock clock;
  auto producer = *AsyncProducer::open(
      cluster, {.memory_limit_bytes = 2'000, .max_block = milliseconds(100)}, clock);
  const std::string value(1'000, 'x');
  EXPECT_TRUE(co_await producer->produce({.topic = "orders", .value = as_bytes(value)}));
  const Status full = co_await producer->produce({.topic = "orders", .value = as_bytes(value)});
  EXPECT_EQ(full.error().code(), Errc::kOverloaded);
  EXPECT_LT(clock.looks, 100) << "waiting keeps the thread busy";
  EXPECT_FALSE(co_await producer->close(milliseconds(1)));
  co_await cluster.close();
}

TEST_F(CoroutineTest, WaitingForMemoryIsNoWork) {
  broker_.create_topic("orders", 1);
  broker_.hold_produces();
  run(wait_without_work);
}

}  // namespace
}  // namespace penstock::client
