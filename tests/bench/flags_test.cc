#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>

#include "bench/bench_command.h"

namespace penstock::bench {
namespace {

Status set(BenchConfig& config, std::string_view name, std::string_view text) {
  const BenchFlag* flag = find_bench_flag(name);
  if (flag == nullptr) return fail(Errc::kNotFound, std::string(name));
  return flag->set(config, text);
}

TEST(BenchFlags, SetWhatTheyName) {
  BenchConfig config;
  ASSERT_TRUE(set(config, "records", "1500000"));
  ASSERT_TRUE(set(config, "record_bytes", "64K"));
  ASSERT_TRUE(set(config, "rate", "2.5"));
  ASSERT_TRUE(set(config, "linger_ms", "0"));
  ASSERT_TRUE(set(config, "durability", "written"));
  ASSERT_TRUE(set(config, "codec", "zstd"));
  ASSERT_TRUE(set(config, "latency", "none"));
  ASSERT_TRUE(set(config, "broker_pid", "none"));
  ASSERT_TRUE(set(config, "metrics", "127.0.0.1:9100"));
  EXPECT_EQ(config.records, 1'500'000U);
  EXPECT_EQ(config.record_bytes, 65'536U);
  EXPECT_EQ(config.rate, 2.5);
  EXPECT_EQ(config.linger_ms, 0);
  EXPECT_EQ(config.durability, client::Durability::kWritten);
  EXPECT_EQ(config.codec, record::Codec::kZstd);
  EXPECT_EQ(config.latency, LatencyReports::kNone);
  EXPECT_EQ(config.broker_pid, -1);
  EXPECT_EQ(config.metrics, (rpc::Endpoint{"127.0.0.1", 9100}));
}

TEST(BenchFlags, RefuseWhatTheyDoNotUnderstandAndSayWhatTheyTake) {
  for (const auto& [name, text] : {std::pair{"records", "many"},
                                   {"records", ""},
                                   {"records", "-1"},
                                   {"records", "1T"},
                                   {"records", "99999999999999999999"},
                                   {"records", "18446744073709551615K"},
                                   {"partitions", "4294967296"},
                                   {"seconds", "-1"},
                                   {"seconds", "nan"},
                                   {"rate", "10/s"},
                                   {"durability", "yes"},
                                   {"codec", "rar"},
                                   {"latency", "some"},
                                   {"broker_pid", "self"},
                                   {"metrics", "http://x"}}) {
    BenchConfig config;
    const Status status = set(config, name, text);
    ASSERT_FALSE(status) << name << "=" << text;
    EXPECT_EQ(status.error().message().empty(), false);
  }
}

TEST(BenchFlags, TheDefaultsThatHelpShowsAreTheDefaults) {
  // A config that every flag's shown default was set on is the untouched config.
  BenchConfig shown;
  for (const BenchFlag& flag : bench_flags()) {
    if (flag.default_value.empty()) continue;
    ASSERT_TRUE(flag.set(shown, flag.default_value)) << flag.name;
  }
  const BenchConfig untouched;
  const auto fields = [](const BenchConfig& c) {
    return std::tuple(c.partitions, c.records, c.seconds, c.warmup_seconds, c.record_bytes, c.rate,
                      c.producers, c.consumers, c.latency, c.seed, c.durability, c.codec,
                      c.floor_dir, c.floor_seconds, c.floor_flush_bytes, c.broker_pid);
  };
  EXPECT_EQ(fields(shown), fields(untouched));
}

TEST(BenchFlags, HaveNamesOfTheirOwnAndAHelpLine) {
  std::set<std::string_view> names;
  for (const BenchFlag& flag : bench_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    EXPECT_FALSE(flag.help.empty()) << flag.name;
  }
}

TEST(BenchMode, IsChosenByName) {
  EXPECT_EQ(*bench_mode_from_name("produce"), BenchMode::kProduce);
  EXPECT_EQ(*bench_mode_from_name("consume"), BenchMode::kConsume);
  EXPECT_EQ(*bench_mode_from_name("e2e"), BenchMode::kE2e);
  EXPECT_EQ(*bench_mode_from_name("floor"), BenchMode::kFloor);
  EXPECT_FALSE(bench_mode_from_name("all"));
}

}  // namespace
}  // namespace penstock::bench
