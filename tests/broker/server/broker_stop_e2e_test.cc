// How a broker ends and begins again: draining, what stands in the way of a start, what a start
// finds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "protocol/wire/error_message.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
namespace v1 = wire::v1;
namespace fs = std::filesystem;

std::vector<std::string> entries(const std::string& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) names.push_back(entry.path().filename());
  return names;
}

TEST(BrokerStopE2e, StoppingAnswersLongPollsAndClosesCleanly) {
  ScratchDir dir;
  auto broker = start_broker(test_config(dir / "data"));
  TestClient client(broker->port());
  const auto topic = client.create("orders");
  std::optional<std::string> told;
  asio::co_spawn(
      client.io(),
      client.begin<v1::FetchResponse>(wire::Api::kFetch, fetch_request(*topic, 0, 0, 50'000)),
      [&told](const std::exception_ptr&, const auto& reply) {
        told = reply ? "answered" : reply.error().to_string();
      });
  client.io().restart();
  client.describe("orders");  // the fetch before it on this connection has arrived
  auto stopped = std::async(std::launch::async, [&] { return broker->stop(); });
  client.io().restart();
  while (!told) client.io().run_one();
  EXPECT_EQ(*told, "answered");
  EXPECT_TRUE(stopped.get());
}

TEST(BrokerStopE2e, WhatWasAskedForBeforeTheStopIsAnsweredAndKept) {
  ScratchDir dir;
  auto broker = start_broker(test_config(dir / "data"));
  auto client = std::make_unique<TestClient>(broker->port());
  const auto topic = client->create("orders");
  constexpr int kRequests = 50;
  int acked = 0;
  int ended = 0;
  for (int i = 0; i < kRequests; ++i) {
    const Bytes batch = batch_of({std::to_string(i)});
    asio::co_spawn(
        client->io(),
        client->begin<v1::ProduceResponse>(
            wire::Api::kProduce, produce_request(*topic, 0, batch.size()), {shared(batch)}),
        [&](const std::exception_ptr&, const auto& reply) {
          ++ended;
          if (reply && !reply->message.partitions(0).has_error()) ++acked;
        });
  }
  client->io().restart();
  while (acked == 0) client->io().run_one();
  auto stopped = std::async(std::launch::async, [&] { return broker->stop(); });
  while (ended < kRequests) client->io().run_one();
  client.reset();
  EXPECT_TRUE(stopped.get());
  broker.reset();
  broker = start_broker(test_config(dir / "data"));
  client = std::make_unique<TestClient>(broker->port());
  EXPECT_GE(std::ssize(client->values(*topic, 0, 0).value()), acked);
}

TEST(BrokerStopE2e, APortInUseIsNamed) {
  ScratchDir dir;
  const auto broker = start_broker(test_config(dir / "data"));
  BrokerConfig config = test_config(dir / "other");
  config.listen.port = broker->port();
  const auto second = Broker::start(config);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::kAlreadyExists);
  EXPECT_THAT(second.error().message(), HasSubstr(std::to_string(broker->port())));
  EXPECT_THAT(second.error().message(), HasSubstr("choose another port"));
  config.listen.port = 0;
  config.metrics_listen.port = broker->metrics_port();
  const auto third = Broker::start(config);
  ASSERT_FALSE(third);
  EXPECT_THAT(third.error().message(), HasSubstr("--metrics_listen"));
}

TEST(BrokerStopE2e, AFolderHasOneBroker) {
  ScratchDir dir;
  const auto broker = start_broker(test_config(dir / "data"));
  const auto second = Broker::start(test_config(dir / "data"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::kLocked);
}

TEST(BrokerStopE2e, ListeningBeyondThisMachineMustBeWanted) {
  ScratchDir dir;
  BrokerConfig config = test_config(dir / "data");
  config.listen.host = "0.0.0.0";
  const auto refused = Broker::start(config);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("--insecure_i_know"));
  EXPECT_FALSE(fs::exists(dir / "data")) << "nothing was created";
  config.outside = OutsideAccess::kAccepted;
  EXPECT_TRUE(Broker::start(config));
}

TEST(BrokerStopE2e, FilesOfDeletedTopicsAreGoneAndStrangersAreLeftAlone) {
  ScratchDir dir;
  auto broker = start_broker(test_config(dir / "data"));
  auto client = std::make_unique<TestClient>(broker->port());
  ASSERT_TRUE(client->produce(*client->create("doomed"), 0, batch_of({"a"})));
  ASSERT_TRUE(client->remove("doomed"));
  client.reset();
  broker.reset();
  EXPECT_THAT(entries(dir / "data/trash"), ElementsAre());
  EXPECT_THAT(entries(dir / "data/topics"), ElementsAre());

  fs::create_directories(dir / "data/topics/stranger-00000000000000000000000000000001/0");
  std::ofstream(dir / "data/topics/stranger-00000000000000000000000000000001/0/file") << "precious";
  broker = start_broker(test_config(dir / "data"));
  broker.reset();
  EXPECT_THAT(entries(dir / "data/topics"), SizeIs(1));
}

TEST(BrokerStopE2e, AVanishedPartitionIsDamageAndNotAFreshStart) {
  ScratchDir dir;
  auto broker = start_broker(test_config(dir / "data"));
  auto client = std::make_unique<TestClient>(broker->port());
  const auto topic = client->create("orders", 2);
  ASSERT_TRUE(client->produce(*topic, 0, batch_of({"precious"})));
  ASSERT_TRUE(client->produce(*topic, 1, batch_of({"other"})));
  client.reset();
  broker.reset();
  const std::string folder = entries(dir / "data/topics")[0];
  fs::remove_all(dir / ("data/topics/" + folder + "/0"));

  broker = start_broker(test_config(dir / "data"));
  client = std::make_unique<TestClient>(broker->port());
  EXPECT_EQ(client->produce(*topic, 0, batch_of({"x"})).error().code(), Errc::kPartitionDamaged);
  EXPECT_EQ(client->values(*topic, 0, 0).error().code(), Errc::kPartitionDamaged);
  EXPECT_EQ(wire::status_of(client->describe("orders").partitions(0)).error().code(),
            Errc::kPartitionDamaged);
  EXPECT_THAT(client->values(*topic, 1, 0).value(), ElementsAre("other")) << "the rest serves on";
}

}  // namespace
}  // namespace penstock::broker
