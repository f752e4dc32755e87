// The bench against a real broker in this process: very short runs, and nothing about speed.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "bench/bench_command.h"
#include "bench/broker_watch.h"
#include "broker/server/broker.h"
#include "client/client.h"

namespace penstock::bench {
namespace {

class BenchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "bench-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    auto broker = broker::Broker::start({.data_dir = dir_ + "/data",
                                         .listen = {"127.0.0.1", 0},
                                         .metrics_listen = {"127.0.0.1", 0},
                                         .advertise = {},
                                         .cluster_seed = {},
                                         .rack = {}});
    ASSERT_TRUE(broker) << broker.error().to_string();
    broker_ = std::move(*broker);
    config_.bootstrap = {{"127.0.0.1", broker_->port()}};
    config_.metrics = rpc::Endpoint{"127.0.0.1", broker_->metrics_port()};
    config_.seconds = 0.2;
    config_.warmup_seconds = 0.05;
    config_.floor_seconds = 0.01;
    config_.floor_dir = dir_;
    config_.json_file = dir_ + "/figures.json";
  }
  void TearDown() override {
    if (broker_ != nullptr) EXPECT_TRUE(broker_->stop());
    broker_.reset();
    std::filesystem::remove_all(dir_);
  }

  // What the run printed; fails the test when the run did.
  std::string run() {
    std::ostringstream out;
    const Status status = run_bench(config_, out);
    EXPECT_TRUE(status) << status.error().to_string() << '\n' << out.str();
    return out.str();
  }
  std::size_t topics() {
    auto client = client::Client::open({.bootstrap = config_.bootstrap});
    if (!client) return 99;
    const auto described = (*client)->admin().describe_topics();
    return described ? described->size() : 99;
  }

  std::string dir_;
  std::unique_ptr<broker::Broker> broker_;
  BenchConfig config_;
};

std::string value_of(const std::string& out, const std::string& key) {
  const std::size_t at = out.rfind(" " + key + "=");
  if (at == std::string::npos) return "absent";
  const std::size_t begin = at + key.size() + 2;
  return out.substr(begin, out.find_first_of(" \n", begin) - begin);
}

TEST_F(BenchTest, ProducingCountsEveryRecordAndLeavesNoTopic) {
  config_.records = 5'000;
  config_.seconds = 60;
  config_.producers = 2;
  config_.partitions = 3;
  const std::string out = run();
  EXPECT_NE(out.find("BENCH_PRODUCE "), std::string::npos);
  EXPECT_EQ(value_of(out, "records"), "5000");
  EXPECT_EQ(value_of(out, "errors"), "0");
  EXPECT_NE(value_of(out, "p99_ms"), "absent");
  EXPECT_NE(value_of(out, "ratio"), "absent");
  EXPECT_NE(value_of(out, "bytes_per_flush"), "absent") << "the metrics page was not understood";
  EXPECT_NE(value_of(out, "broker_cpu_s_per_gb"), "absent");
  EXPECT_TRUE(std::filesystem::exists(config_.json_file));
  EXPECT_EQ(topics(), 0U);
}

TEST_F(BenchTest, ConsumingReadsWhatWasProducedBefore) {
  config_.mode = BenchMode::kConsume;
  config_.records = 5'000;
  config_.partitions = 3;
  config_.consumers = 2;
  const std::string out = run();
  // Each producer's first record is not part of its load, but it is in the topic.
  EXPECT_NE(out.find("BENCH_CONSUME records=5001 "), std::string::npos) << out;
  EXPECT_EQ(value_of(out, "errors"), "0");
  EXPECT_NE(value_of(out, "ratio_to_produce"), "absent");
}

TEST_F(BenchTest, EndToEndEveryRecordArrivesOnce) {
  config_.mode = BenchMode::kE2e;
  config_.rate = 2'000;
  config_.producers = 2;
  config_.partitions = 2;
  const std::string out = run();
  EXPECT_EQ(value_of(out, "lost"), "0");
  EXPECT_EQ(value_of(out, "repeated"), "0");
  EXPECT_EQ(value_of(out, "errors"), "0");
  EXPECT_EQ(value_of(out, "records"), "400") << "0.2 s at 2,000/s, without the warm-up";
  EXPECT_EQ(topics(), 0U);
}

TEST_F(BenchTest, ATopicOfTheCallersIsKept) {
  auto client = client::Client::open({.bootstrap = config_.bootstrap});
  ASSERT_TRUE(client);
  ASSERT_TRUE((*client)->admin().create_topic({.name = "mine", .settings = {}}));
  config_.topic = "mine";
  run();
  EXPECT_EQ(topics(), 1U);
}

TEST_F(BenchTest, AnEmptyTopicOfTheCallersIsNothingToConsume) {
  auto client = client::Client::open({.bootstrap = config_.bootstrap});
  ASSERT_TRUE(client);
  ASSERT_TRUE((*client)->admin().create_topic({.name = "mine", .settings = {}}));
  config_.topic = "mine";
  config_.mode = BenchMode::kConsume;
  std::ostringstream out;
  const Status status = run_bench(config_, out);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message().find("no records"), std::string::npos);
}

TEST_F(BenchTest, AnUnknownTopicIsNamed) {
  config_.topic = "nobody";
  std::ostringstream out;
  const Status status = run_bench(config_, out);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), Errc::kUnknownTopic);
}

TEST_F(BenchTest, TheProcessThatListensIsFound) {
  EXPECT_EQ(listener_pid(broker_->port()), ::getpid());
}

}  // namespace
}  // namespace penstock::bench
