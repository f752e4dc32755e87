#include "tools/listeners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// 127.0.0.1:7333 (0x1CA5) listening twice, once established, and another port listening.
constexpr std::string_view kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n"
    "   0: 0100007F:1CA5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "111 1\n"
    "   1: 00000000:1CA5 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "112 1\n"
    "   2: 0100007F:1CA5 0100007F:8000 01 00000000:00000000 00:00000000 00000000     0        0 "
    "113 1\n"
    "   3: 0100007F:1CA6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 "
    "114 1\n"
    "   4: garbage\n";

TEST(ListenersTest, FindsTheListeningSocketsOfAPort) {
  EXPECT_THAT(listening_inodes(kTable, 7333), UnorderedElementsAre(111, 112));
  EXPECT_THAT(listening_inodes(kTable, 7334), UnorderedElementsAre(114));
  EXPECT_THAT(listening_inodes(kTable, 80), IsEmpty());
  EXPECT_THAT(listening_inodes("", 7333), IsEmpty());
}

TEST(ListenersTest, SaysWhoItIsAsFarAsItMayKnow) {
  EXPECT_EQ((Listener{.pid = 17, .name = "nginx"}).to_string(), "'nginx' (pid 17)");
  EXPECT_EQ(Listener{}.to_string(), "a process of another user");
}

}  // namespace
}  // namespace penstock::tools
