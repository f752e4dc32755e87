#include "broker/partition/disk_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes/fake_env.h"

namespace penstock::broker {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kMiB = 1U << 20;

// A disk of 64 MiB of which a test fills as much as it likes.
class DiskGuardTest : public testing::Test {
 protected:
  DiskGuardTest() { env_.set_capacity(64 * kMiB); }
  void fill(std::uint64_t mib) {
    auto file = env_.open("/fill", OpenMode::kOpenOrCreate).value();
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->allocate(mib * kMiB));
  }

  fakes::FakeEnv env_;
  FakeClock clock_;
};

TEST_F(DiskGuardTest, RefusesBelowTheReserveAndSaysWhatToDo) {
  DiskGuard guard(env_, clock_, "/", 2 * kMiB);
  EXPECT_TRUE(guard.admit(1'000));
  fill(63);
  guard.measure();
  const Status refused = guard.admit(1'000);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kDiskFull);
  EXPECT_TRUE(refused.error().retriable());
  EXPECT_THAT(refused.error().message(), HasSubstr("1 MiB free"));
  EXPECT_THAT(refused.error().message(), HasSubstr("--disk_reserve_mb"));
}

TEST_F(DiskGuardTest, NoticesAFillingDiskFromTheAppendsAlone) {
  DiskGuard guard(env_, clock_, "/", 2 * kMiB);
  fill(63);
  std::uint64_t admitted = 0;
  while (guard.admit(kMiB)) admitted += kMiB;
  EXPECT_LE(admitted, DiskGuard::kMeasureEveryBytes);
}

TEST_F(DiskGuardTest, RecoversWithoutARestart) {
  DiskGuard guard(env_, clock_, "/", 2 * kMiB);
  fill(63);
  guard.measure();
  EXPECT_FALSE(guard.admit(1));
  fill(10);
  EXPECT_FALSE(guard.admit(1)) << "it does not ask the system at every attempt";
  clock_.advance_ms(100);
  EXPECT_TRUE(guard.admit(1));
}

TEST_F(DiskGuardTest, ResumesALittleAboveTheMark) {
  DiskGuard guard(env_, clock_, "/", 2 * kMiB);
  fill(63);
  guard.measure();
  fill(62);  // just the reserve
  guard.measure();
  EXPECT_TRUE(guard.refusing());
  fill(61);
  guard.measure();
  EXPECT_FALSE(guard.refusing());
}

TEST_F(DiskGuardTest, OnASmallDiskTheReserveIsATwentieth) {
  env_.set_capacity(20 * kMiB);
  DiskGuard guard(env_, clock_, "/", 256 * kMiB);
  EXPECT_EQ(guard.reserve_bytes(), 1 * kMiB);
  EXPECT_TRUE(guard.admit(1));
}

TEST_F(DiskGuardTest, NoReserveNeverRefuses) {
  DiskGuard guard(env_, clock_, "/", 0);
  fill(64);
  guard.measure();
  EXPECT_TRUE(guard.admit(1)) << "then the append itself meets the full disk";
}

}  // namespace
}  // namespace penstock::broker
