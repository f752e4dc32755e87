#include <gtest/gtest.h>

#include <sstream>

#include "bench/bench_command.h"
#include "bench/load_consumer.h"
#include "bench/load_produce.h"

namespace penstock::bench {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(LoadPlan, RecordsAndRateAreSharedAmongTheProducers) {
  const BenchConfig config{.records = 10, .rate = 9, .producers = 3};
  EXPECT_EQ(plan_of(config, 0, 0).records, 4U);
  EXPECT_EQ(plan_of(config, 0, 1).records, 3U);
  EXPECT_EQ(plan_of(config, 0, 2).records, 3U);
  EXPECT_EQ(plan_of(config, 0, 2).rate, 3);
}

TEST(LoadPlan, AnOpenLoopWarmsUpBeforeItIsMeasured) {
  const BenchConfig config{.seconds = 5, .warmup_seconds = 1, .rate = 100};
  const LoadPlan plan = plan_of(config, kSecond, 0);
  EXPECT_EQ(plan.start_ns, kSecond);
  EXPECT_EQ(plan.measure_from_ns, 2 * kSecond);
  EXPECT_EQ(plan.stop_ns, 7 * kSecond);
}

TEST(LoadPlan, AsFastAsPossibleIsMeasuredFromTheStart) {
  const BenchConfig config{.seconds = 5, .warmup_seconds = 1, .rate = 0};
  const LoadPlan plan = plan_of(config, kSecond, 0);
  EXPECT_EQ(plan.measure_from_ns, kSecond);
  EXPECT_EQ(plan.stop_ns, 6 * kSecond);
}

TEST(DealPartitions, EveryPartitionHasOneConsumer) {
  const auto hands = deal_partitions("t", 5, 2, client::StartAt::beginning());
  ASSERT_EQ(hands.size(), 2U);
  ASSERT_EQ(hands[0].size(), 3U);
  ASSERT_EQ(hands[1].size(), 2U);
  EXPECT_EQ(hands[0][2].partition, PartitionId(4));
  EXPECT_EQ(hands[1][1].partition, PartitionId(3));
}

TEST(DealPartitions, NoConsumerStandsIdle) {
  EXPECT_EQ(deal_partitions("t", 2, 8, client::StartAt::beginning()).size(), 2U);
}

// None of these gets as far as a broker.
TEST(RunBench, ASettingOutOfItsRangeIsNamed) {
  const auto refused = [](const BenchConfig& config) {
    std::ostringstream out;
    const Status status = run_bench(config, out);
    EXPECT_FALSE(status);
    return status ? std::string() : status.error().message();
  };
  EXPECT_NE(refused({.partitions = 0}).find("--partitions"), std::string::npos);
  EXPECT_NE(refused({.producers = 1000}).find("--producers"), std::string::npos);
  EXPECT_NE(refused({.seconds = 0}).find("--seconds"), std::string::npos);
  EXPECT_NE(refused({.record_bytes = 1ULL << 40}).find("--record_bytes"), std::string::npos);
  EXPECT_NE(refused({.records = 1, .producers = 2}).find("--records"), std::string::npos);
  EXPECT_NE(refused({.mode = BenchMode::kE2e, .record_bytes = 8}).find("--record_bytes"),
            std::string::npos)
      << "too small for a stamp";
}

}  // namespace
}  // namespace penstock::bench
