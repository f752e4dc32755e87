#include "broker/server/broker_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::broker {
namespace {

using testing::HasSubstr;

FlagValues flags() {
  return {.data_dir = "/data",
          .listen = "127.0.0.1:7333",
          .metrics_listen = "127.0.0.1:7334",
          .advertise = "",
          .cluster_seed = "",
          .rack = "",
          .shards = 0,
          .disk_threads = 4,
          .memory_limit_mb = 512,
          .disk_reserve_mb = 256,
          .compaction_mb_per_s = 16,
          .compaction_memory_mb = 128,
          .insecure_i_know = false};
}

TEST(BrokerFlags, SeedsAreAList) {
  FlagValues values = flags();
  values.cluster_seed = "10.0.0.1:7333,10.0.0.2";
  const auto config = config_from(values);
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->cluster_seed,
            (std::vector<rpc::Endpoint>{{"10.0.0.1", 7333}, {"10.0.0.2", 7333}}));
}

TEST(BrokerFlags, WhoJoinsTellsTheOthersAnAddressThatTheyCanReach) {
  FlagValues values = flags();
  values.listen = "0.0.0.0:7333";
  values.insecure_i_know = true;
  values.cluster_seed = "10.0.0.1:7333";
  const auto refused = config_from(values);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("--advertise"));
  values.advertise = "10.0.0.5:7333";
  EXPECT_TRUE(config_from(values));
}

TEST(BrokerFlags, CompactionNeedsARateAndMemory) {
  FlagValues values = flags();
  values.compaction_mb_per_s = 0;
  EXPECT_THAT(config_from(values).error().message(), HasSubstr("--compaction_mb_per_s"));
  values = flags();
  values.compaction_memory_mb = 0;
  EXPECT_FALSE(config_from(values));
}

TEST(BrokerFlags, DefaultsMakeAValidConfig) {
  const auto config = config_from(flags());
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->listen.port, 7333);
  EXPECT_EQ(config->memory_limit_bytes, 512U << 20);
  EXPECT_FALSE(config->advertise);
}

TEST(BrokerFlags, PortZeroListensOnAnyFreePort) {
  FlagValues values = flags();
  values.listen = "127.0.0.1:0";
  values.advertise = "broker.example:7333";
  const auto config = config_from(values);
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_EQ(config->listen.port, 0);
  EXPECT_EQ(config->advertise->host, "broker.example");
}

struct Refused {
  const char* story;
  void (*spoil)(FlagValues&);
  const char* message;
  friend void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.story; }
};

class BrokerFlagsRefuse : public testing::TestWithParam<Refused> {};

TEST_P(BrokerFlagsRefuse, AndNamesTheFlag) {
  FlagValues values = flags();
  GetParam().spoil(values);
  const auto config = config_from(values);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Flags, BrokerFlagsRefuse,
    testing::Values(
        Refused{"no folder", [](FlagValues& f) { f.data_dir = ""; }, "--data_dir"},
        Refused{"no port", [](FlagValues& f) { f.listen = "127.0.0.1:x"; }, "--listen"},
        Refused{"no advertised port", [](FlagValues& f) { f.advertise = "a:0"; }, "--advertise"},
        Refused{"open to everybody", [](FlagValues& f) { f.listen = "0.0.0.0:7333"; },
                "--insecure_i_know"},
        Refused{"metrics open to everybody",
                [](FlagValues& f) { f.metrics_listen = "0.0.0.0:7334"; }, "--insecure_i_know"},
        Refused{"too many shards", [](FlagValues& f) { f.shards = 1'000; }, "--shards"},
        Refused{"one disk thread", [](FlagValues& f) { f.disk_threads = 1; }, "--disk_threads"},
        Refused{"no memory", [](FlagValues& f) { f.memory_limit_mb = 10; }, "--memory_limit_mb"}));

TEST(BrokerFlags, OutsideAccessIsPossibleForThoseWhoKnow) {
  FlagValues values = flags();
  values.listen = "0.0.0.0:7333";
  values.insecure_i_know = true;
  EXPECT_TRUE(config_from(values));
}

TEST(BrokerFlags, LoopbackIsWhatThisMachineAloneReaches) {
  for (const char* host : {"127.0.0.1", "127.8.8.8", "::1", "localhost"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "10.0.0.1", "broker.example", ""}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

}  // namespace
}  // namespace penstock::broker
