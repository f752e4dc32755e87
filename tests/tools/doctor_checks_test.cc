#include "tools/doctor_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

FlushTimes all_of(double us) { return {.us = std::vector<double>(100, us)}; }

TEST(DoctorChecksTest, AFlushThatNoDeviceCanDoFails) {
  const Finding finding = judge_flush(all_of(2));
  EXPECT_EQ(finding.verdict, Verdict::kFail);
  EXPECT_THAT(finding.advice, HasSubstr("would not survive a power cut"));
}

TEST(DoctorChecksTest, AnUnlikelyFastFlushIsSuspicious) {
  EXPECT_EQ(judge_flush(all_of(10)).verdict, Verdict::kWarn);
}

TEST(DoctorChecksTest, OrdinaryDevicesAreFine) {
  EXPECT_EQ(judge_flush(all_of(25)).verdict, Verdict::kOk);      // flash with capacitors
  EXPECT_EQ(judge_flush(all_of(900)).verdict, Verdict::kOk);     // flash without
  EXPECT_EQ(judge_flush(all_of(12'000)).verdict, Verdict::kOk);  // a disk drive
  EXPECT_THAT(judge_flush(all_of(900)).advice, IsEmpty());
}

TEST(DoctorChecksTest, SlowOutliersAreWorthAWarning) {
  FlushTimes times = all_of(200);
  times.us[98] = times.us[99] = 80'000;
  EXPECT_EQ(judge_flush(times).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_flush(times).found,
            "4 KiB append + fdatasync: p50 200 us, p99 80.00 ms, max 80.00 ms");
}

TEST(DoctorChecksTest, NoMeasurementIsAFailure) {
  EXPECT_EQ(judge_flush({}).verdict, Verdict::kFail);
}

constexpr std::string_view kMounts =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
    "30 22 0:26 / /tmp rw,nosuid - tmpfs tmpfs rw,size=1g\n"
    "31 22 8:17 / /srv/my\\040data rw,relatime shared:5 master:2 - xfs /dev/sdb1 rw\n"
    "32 22 8:33 / /srv rw,nobarrier - ext4 /dev/sdc1 rw\n"
    "broken line\n";

TEST(DoctorChecksTest, TheLongestMountPointHoldsThePath) {
  EXPECT_EQ(file_system_of(kMounts, "/var/lib")->type, "ext4");
  EXPECT_EQ(file_system_of(kMounts, "/tmp/x/y")->type, "tmpfs");
  EXPECT_EQ(file_system_of(kMounts, "/tmpfoo")->mount_point, "/");
  EXPECT_EQ(file_system_of(kMounts, "/srv/my data/p")->type, "xfs");
  EXPECT_EQ(file_system_of("", "/"), std::nullopt);
}

TEST(DoctorChecksTest, FileSystemsThatCannotKeepAPromiseFail) {
  EXPECT_EQ(judge_file_system(file_system_of(kMounts, "/tmp")).verdict, Verdict::kFail);
  EXPECT_EQ(judge_file_system(file_system_of(kMounts, "/srv/other")).verdict, Verdict::kFail);
  EXPECT_EQ(judge_file_system(file_system_of(kMounts, "/srv/my data")).verdict, Verdict::kOk);
  EXPECT_EQ(judge_file_system(FileSystem{"nfs4", "rw", "/mnt"}).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_file_system(FileSystem{"fuse.sshfs", "rw", "/mnt"}).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_file_system(FileSystem{"overlay", "rw", "/"}).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_file_system(FileSystem{"overlay", "rw,volatile", "/"}).verdict, Verdict::kFail);
  EXPECT_EQ(judge_file_system(std::nullopt).verdict, Verdict::kWarn);
}

TEST(DoctorChecksTest, SpaceRunsOutInTwoSteps) {
  constexpr std::uint64_t kTotal = 100ULL << 30;
  EXPECT_EQ(judge_space({kTotal, 50ULL << 30}).verdict, Verdict::kOk);
  EXPECT_EQ(judge_space({kTotal, 1ULL << 30}).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_space({kTotal, 100U << 20}).verdict, Verdict::kFail);
}

TEST(DoctorChecksTest, TheDataDirectoryMustBeOurs) {
  EXPECT_EQ(judge_data_dir("d", {.exists = true, .writable = true, .owned = true}).verdict,
            Verdict::kOk);
  EXPECT_EQ(judge_data_dir("d", {.exists = false, .writable = true}).verdict, Verdict::kOk);
  EXPECT_EQ(judge_data_dir("d", {.exists = false, .writable = false}).verdict, Verdict::kFail);
  EXPECT_EQ(judge_data_dir("d", {.exists = true, .writable = false}).verdict, Verdict::kFail);
  EXPECT_EQ(judge_data_dir("d", {.exists = true, .writable = true, .owned = false}).verdict,
            Verdict::kWarn);
  EXPECT_EQ(judge_data_dir(
                "d", {.exists = true, .writable = true, .owned = true, .others_may_write = true})
                .verdict,
            Verdict::kWarn);
}

ClockState clock_of(double drift_us, bool synchronised) {
  return {.wall = Timestamp(1'800'000'000'000),
          .drift_us = drift_us,
          .over_us = 200'000,
          .synchronised = synchronised};
}

TEST(DoctorChecksTest, AClockMustBeRightAndSteady) {
  EXPECT_EQ(judge_clock(clock_of(5, true)).verdict, Verdict::kOk);
  EXPECT_EQ(judge_clock(clock_of(5, false)).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_clock(clock_of(-3'000, true)).verdict, Verdict::kWarn);
  ClockState past = clock_of(0, true);
  past.wall = Timestamp(86'400'000);
  EXPECT_EQ(judge_clock(past).verdict, Verdict::kFail);
}

TEST(DoctorChecksTest, LimitsOfTheProcess) {
  EXPECT_EQ(judge_open_files(65'536, 65'536).verdict, Verdict::kOk);
  EXPECT_EQ(judge_open_files(1'024, 65'536).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_open_files(256, 256).verdict, Verdict::kFail);
  EXPECT_EQ(judge_locked_memory(std::nullopt).found, "limit unlimited");
  EXPECT_EQ(judge_map_count(65'530).verdict, Verdict::kOk);
  EXPECT_EQ(judge_map_count(1'000).verdict, Verdict::kWarn);
  EXPECT_EQ(judge_huge_pages("always [madvise] never\n").verdict, Verdict::kOk);
  EXPECT_EQ(judge_huge_pages("[always] madvise never\n").verdict, Verdict::kWarn);
  EXPECT_EQ(judge_huge_pages("").verdict, Verdict::kOk);
}

TEST(DoctorChecksTest, APortBelongsToABrokerOrToNobody) {
  EXPECT_EQ(judge_port("port", 7333, std::nullopt).verdict, Verdict::kOk);
  EXPECT_EQ(judge_port("port", 7333, Listener{1, "penstockd"}).verdict, Verdict::kOk);
  EXPECT_EQ(judge_port("port", 7333, Listener{1, "nginx"}).verdict, Verdict::kFail);
  EXPECT_EQ(judge_port("port", 7333, Listener{}).verdict, Verdict::kWarn);
}

TEST(DoctorChecksTest, TheWorstVerdictCounts) {
  EXPECT_EQ(worst({}), Verdict::kOk);
  const std::vector<Finding> findings = {{.check = "a", .verdict = Verdict::kWarn},
                                         {.check = "b", .verdict = Verdict::kFail},
                                         {.check = "c", .verdict = Verdict::kOk}};
  EXPECT_EQ(worst(findings), Verdict::kFail);
}

}  // namespace
}  // namespace penstock::tools
