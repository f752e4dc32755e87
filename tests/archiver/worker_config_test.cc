// From the flags of penstock-worker to what it does.
#include "archiver/worker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::archiver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// As they are when only the required one is given.
WorkerFlags flags() {
  WorkerFlags flags;
  flags.archive_dir = "/archive";
  flags.bootstrap = "127.0.0.1:7333";
  flags.archive_chunk_mb = 64;
  flags.archive_chunk_records = 1'000'000;
  flags.archive_interval_s = 60;
  flags.memory_limit_mb = 512;
  flags.spool_limit_mb = 2048;
  return flags;
}

TEST(WorkerConfig, DefaultsArchiveEverythingForEver) {
  const auto config = config_from(flags());
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->worker.topics, IsEmpty());
  EXPECT_EQ(config->worker.mode, RunMode::kContinuous);
  EXPECT_EQ(config->worker.on_stop, OnStop::kAbandonOpenChunks);
  EXPECT_TRUE(config->worker.roll.check());
  EXPECT_EQ(config->worker.roll.max_age_ms, 60'000);
  EXPECT_EQ(config->client.client_name, "penstock-worker");
}

TEST(WorkerConfig, MemoryIsSharedOutWithoutRemainder) {
  const auto config = config_from(flags());
  ASSERT_TRUE(config);
  EXPECT_EQ(config->worker.sql_memory_limit_mb + (config->consumer.memory_limit_bytes >> 20), 512U);
}

TEST(WorkerConfig, ListsAreSeparatedByCommas) {
  WorkerFlags some = flags();
  some.topics = "quakes,flights,";
  some.bootstrap = "a:1,b:2";
  const auto config = config_from(some);
  ASSERT_TRUE(config) << config.error().to_string();
  EXPECT_THAT(config->worker.topics, ElementsAre("quakes", "flights"));
  ASSERT_EQ(config->client.bootstrap.size(), 2U);
  EXPECT_EQ(config->client.bootstrap[1].host, "b");
}

struct Refused {
  void (*spoil)(WorkerFlags&);
  const char* flag;
  friend void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.flag; }
};

class WorkerConfigRefuses : public testing::TestWithParam<Refused> {};

TEST_P(WorkerConfigRefuses, AndNamesTheFlag) {
  WorkerFlags spoilt = flags();
  GetParam().spoil(spoilt);
  const auto config = config_from(spoilt);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code(), Errc::kInvalidArgument);
  EXPECT_THAT(config.error().message(), HasSubstr(GetParam().flag));
}

INSTANTIATE_TEST_SUITE_P(
    Flags, WorkerConfigRefuses,
    testing::Values(
        Refused{[](WorkerFlags& f) { f.archive_dir = ""; }, "--archive_dir"},
        Refused{[](WorkerFlags& f) { f.bootstrap = ","; }, "--bootstrap"},
        Refused{[](WorkerFlags& f) { f.bootstrap = "a:x"; }, "--bootstrap"},
        Refused{[](WorkerFlags& f) { f.archive_chunk_mb = 0; }, "--archive_chunk_mb"},
        Refused{[](WorkerFlags& f) { f.archive_chunk_mb = UINT64_MAX; }, "--archive_chunk_mb"},
        Refused{[](WorkerFlags& f) { f.archive_chunk_records = 0; }, "--archive_chunk_records"},
        Refused{[](WorkerFlags& f) { f.archive_interval_s = 0; }, "--archive_interval_s"},
        Refused{[](WorkerFlags& f) { f.archive_interval_s = UINT64_MAX; }, "--archive_interval_s"},
        Refused{[](WorkerFlags& f) { f.memory_limit_mb = 8; }, "--memory_limit_mb"},
        Refused{[](WorkerFlags& f) { f.spool_limit_mb = UINT64_MAX; }, "--spool_limit_mb"}));

}  // namespace
}  // namespace penstock::archiver
