// The client against the real broker: there and back in every codec, and through crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "client/client.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "protocol/record/record.h"
#include "tests/client/real_broker.h"

namespace penstock::client {
namespace {

constexpr milliseconds kLong{60'000};

class RealBrokerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(RealBroker::is_built()) << "build penstockd, and run through ctest";
    broker_ = std::make_unique<RealBroker>();
    auto client = Client::open({.bootstrap = {broker_->endpoint()},
                                .retry_backoff = milliseconds(5),
                                .retry_backoff_max = milliseconds(50)});
    ASSERT_TRUE(client) << client.error().to_string();
    client_ = std::move(*client);
  }
  void create(const std::string& topic, std::uint32_t partitions) {
    const auto created = client_->admin().create_topic({.name = topic, .partitions = partitions});
    ASSERT_TRUE(created) << created.error().to_string();
  }
  // Values by offset of every partition, from the beginning to the end.
  std::vector<std::map<std::int64_t, std::string>> read(const std::string& topic, int partitions) {
    const auto consumer = *Consumer::open(*client_, {.partition_fetch_bytes = 64U << 10});
    std::vector<Assignment> all;
    for (int i = 0; i < partitions; ++i) {
      all.push_back({topic, PartitionId(i), StartAt::beginning()});
    }
    const Status assigned = consumer->assign(all);
    EXPECT_TRUE(assigned) << assigned.error().to_string();
    std::vector<std::map<std::int64_t, std::string>> values(static_cast<std::size_t>(partitions));
    while (!consumer->at_end()) {
      auto chunks = consumer->poll(milliseconds(100));
      EXPECT_TRUE(chunks) << chunks.error().to_string();
      for (Chunk& chunk : *chunks) {
        while (auto record = *chunk.next()) {
          values[static_cast<std::size_t>(chunk.partition().value())].emplace(
              record->offset.value(), as_text(*record->value));
        }
      }
    }
    return values;
  }

  std::unique_ptr<RealBroker> broker_;
  std::unique_ptr<Client> client_;
};

TEST_F(RealBrokerTest, EveryCodecGoesThereAndBack) {
  for (const record::Codec codec :
       {record::Codec::kNone, record::Codec::kGzip, record::Codec::kSnappy, record::Codec::kLz4,
        record::Codec::kZstd}) {
    const std::string topic = "codec-" + std::string(record::name(codec));
    create(topic, 1);
    const auto producer = *Producer::open(*client_, {.codec = codec, .batch_bytes = 16U << 10});
    for (int i = 0; i < 2'000; ++i) {
      const std::string value = "value " + std::to_string(i * 7919);
      ASSERT_TRUE(producer->produce({.topic = topic, .value = as_bytes(value)}));
    }
    ASSERT_TRUE(producer->flush(kLong));
    EXPECT_EQ(producer->stats().records_delivered, 2'000U);
    const auto values = read(topic, 1)[0];
    ASSERT_EQ(values.size(), 2'000U) << topic;
    EXPECT_EQ(values.at(1'999), "value " + std::to_string(1'999 * 7919));
  }
}

TEST_F(RealBrokerTest, AReceiptSaysThatTheRecordIsOnDisk) {
  create("orders", 1);
  const auto producer = *Producer::open(*client_, {.durability = Durability::kFsynced});
  const auto delivery = producer->produce_and_wait({.topic = "orders", .value = as_bytes("a")});
  ASSERT_TRUE(delivery);
  ASSERT_EQ(delivery->error, nullptr);
  EXPECT_EQ(delivery->receipt.replicas_fsynced, 1U);
  EXPECT_EQ(delivery->receipt.replicas, 1U);
}

TEST_F(RealBrokerTest, ATopicsLimitOnBatchesIsKeptByTakingThemApart) {
  const auto created = client_->admin().create_topic(
      {.name = "small", .partitions = 1, .settings = {{"max_batch_bytes", "2048"}}});
  ASSERT_TRUE(created) << created.error().to_string();
  const auto producer = *Producer::open(*client_, {.linger = milliseconds(1'000)});
  for (int i = 0; i < 100; ++i) {
    const std::string value = std::to_string(i) + std::string(100, 'x');
    ASSERT_TRUE(producer->produce({.topic = "small", .value = as_bytes(value)}));
  }
  ASSERT_TRUE(producer->flush(kLong));
  EXPECT_EQ(producer->stats().records_delivered, 100U);
  int i = 0;
  const auto values = read("small", 1)[0];
  for (const auto& [offset, value] : values) {
    EXPECT_EQ(value, std::to_string(i++) + std::string(100, 'x'));
  }
  EXPECT_EQ(i, 100);
}

// Produces through crashes and clean restarts. Whatever the outcomes: delivered records are where
// their receipts say, certain failures are nowhere, nothing is there twice or overtaken.
TEST_F(RealBrokerTest, OutcomesAreTrueThroughCrashesOfTheBroker) {
  constexpr int kPartitions = 2;
  constexpr int kCrashes = 6;
  create("orders", kPartitions);
  const auto producer =
      *Producer::open(*client_, {.reports = DeliveryReports::kAll, .batch_bytes = 4U << 10});
  std::map<std::uint64_t, Delivery> told;
  std::uint64_t tag = 0;
  const auto collect = [&] {
    for (Delivery& delivery : producer->poll(milliseconds(0))) {
      EXPECT_TRUE(told.emplace(delivery.tag, delivery).second) << "two outcomes";
    }
  };
  for (int crash = 0; crash < kCrashes; ++crash) {
    for (int i = 0; i < 3'000; ++i) {
      const std::string value = std::to_string(++tag);
      const Status accepted =
          producer->produce({.topic = "orders",
                             .partition = PartitionId(static_cast<int>(tag % kPartitions)),
                             .value = as_bytes(value),
                             .tag = tag});
      ASSERT_TRUE(accepted) << accepted.error().to_string();
      if (i == 2'000) {
        crash % 3 == 2 ? broker_->stop() : broker_->kill_hard();
        broker_->start();
      }
    }
    collect();
  }
  ASSERT_TRUE(producer->flush(kLong));
  collect();
  ASSERT_EQ(told.size(), tag) << "every record has an outcome";

  const auto logs = read("orders", kPartitions);
  std::uint64_t delivered = 0;
  std::uint64_t copies = 0;
  std::set<std::uint64_t> written;
  for (const auto& log : logs) {
    std::uint64_t last_new = 0;
    for (const auto& [offset, value] : log) {
      const std::uint64_t number = std::stoull(value);
      if (!written.insert(number).second) {
        ++copies;
        continue;
      }
      EXPECT_GT(number, last_new) << "overtaken";
      last_new = number;
    }
  }
  for (const auto& [number, delivery] : told) {
    if (!delivery.error) {
      ++delivered;
      const auto& log = logs[static_cast<std::size_t>(delivery.partition.value())];
      const auto at = log.find(delivery.offset.value());
      ASSERT_NE(at, log.end()) << "acknowledged and lost: record " << number;
      EXPECT_EQ(at->second, std::to_string(number));
    } else if (delivery.error->outcome() == Outcome::kNotDone) {
      EXPECT_FALSE(written.contains(number)) << "told to have failed: record " << number;
    }
  }
  EXPECT_EQ(copies, 0U) << "written twice: the broker died between an append and its answer";
  std::printf("CLIENTCRASH crashes=%d records=%llu delivered=%llu lost=0 copies=%llu\n", kCrashes,
              static_cast<unsigned long long>(tag), static_cast<unsigned long long>(delivered),
              static_cast<unsigned long long>(copies));
}

// Reading goes on through a crash: no gap, no repetition.
TEST_F(RealBrokerTest, AConsumerReadsOnThroughACrash) {
  create("orders", 1);
  const auto producer = *Producer::open(*client_, {});
  const auto consumer = *Consumer::open(*client_, {});
  ASSERT_TRUE(consumer->assign({{"orders", PartitionId(0), StartAt::beginning()}}));
  std::vector<std::string> values;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      const std::string value = std::to_string(round * 500 + i);
      ASSERT_TRUE(producer->produce({.topic = "orders", .value = as_bytes(value)}));
    }
    ASSERT_TRUE(producer->flush(kLong));
    while (values.size() < static_cast<std::size_t>(round + 1) * 500) {
      auto chunks = consumer->poll(milliseconds(100));
      ASSERT_TRUE(chunks) << chunks.error().to_string();
      for (Chunk& chunk : *chunks) {
        while (auto record = *chunk.next()) values.emplace_back(as_text(*record->value));
      }
    }
    broker_->kill_hard();
    broker_->start();
  }
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], std::to_string(i));
}

}  // namespace
}  // namespace penstock::client
