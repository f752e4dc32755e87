#include "bench/proc_text.h"

#include <gtest/gtest.h>

namespace penstock::bench {
namespace {

TEST(ProcText, CpuTicksAreUserPlusSystemTime) {
  EXPECT_EQ(cpu_ticks("4242 (penstockd) S 1 4242 4242 0 -1 4194560 900 0 3 0 250 75 0 0 20 0 6 0 "
                      "12345 99999999 2500 18446744073709551615\n"),
            325U);
}

TEST(ProcText, ACommandNameMayHoldSpacesAndBrackets) {
  EXPECT_EQ(cpu_ticks("7 (a) b (c) R 1 7 7 0 -1 0 0 0 0 0 11 22 0 0 20"), 33U);
}

TEST(ProcText, WhatIsNoStatLineHasNoTicks) {
  EXPECT_FALSE(cpu_ticks(""));
  EXPECT_FALSE(cpu_ticks("7 (x) R 1 2"));
}

TEST(ProcText, ResidentPagesAreTheSecondNumber) {
  EXPECT_EQ(resident_pages("30000 2500 800 400 0 900 0\n"), 2500U);
  EXPECT_FALSE(resident_pages(""));
}

// 0x1CA5 is 7333; 0A is LISTEN, 01 an established connection of the same port.
constexpr std::string_view kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:1CA5 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 "
    "111 1 0000000000000000 20 4 30 10 -1\n"
    "   1: 0100007F:1CA5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "222 1 0000000000000000 100 0 0 10 0\n";

TEST(ProcText, TheListenerOfAPortIsFoundNotItsConnections) {
  EXPECT_EQ(listening_inode(kTcp, 7333), 222U);
  EXPECT_FALSE(listening_inode(kTcp, 40000));
  EXPECT_FALSE(listening_inode("", 7333));
}

TEST(ProcText, AMetricIsSummedOverItsLabels) {
  constexpr std::string_view kPage =
      "# HELP flushes_total how many\n"
      "# TYPE flushes_total counter\n"
      "flushes_total{shard=\"0\"} 10\n"
      "flushes_total{shard=\"1\",note=\"a } b\"} 2.5e1\n"
      "flushes_total_failed 1000\n"
      "plain 7\n";
  EXPECT_EQ(metric_sum(kPage, "flushes_total"), 35);
  EXPECT_EQ(metric_sum(kPage, "plain"), 7);
  EXPECT_FALSE(metric_sum(kPage, "flushes"));
  EXPECT_EQ(metric_sum(kPage, "flushes_total", "shard=\"0\""), 10) << "one label's part alone";
  EXPECT_FALSE(metric_sum(kPage, "flushes_total", "shard=\"2\""));
}

}  // namespace
}  // namespace penstock::bench
