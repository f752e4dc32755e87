#include "broker/host/catch_up_pace.h"

#include <gtest/gtest.h>

#include "broker/host/limits.h"

namespace penstock::broker {
namespace {

constexpr std::uint64_t kPiece = 1U << 20;

class Pace : public testing::Test {
 protected:
  // Bytes that went to late members, who take what they get, while producers append so much every
  // 10 ms.
  std::uint64_t send_for(CatchUpPace& pace, std::int64_t ms, std::uint64_t produced) {
    std::uint64_t sent = 0;
    for (const std::int64_t end = now_ms_ + ms; now_ms_ < end; ++now_ms_) {
      if (produced > 0 && now_ms_ % 10 == 0) pace.produced(produced, now_ms_);
      for (int i = 0; i < 100 && pace.admits(now_ms_); ++i) {
        pace.sent(kPiece, now_ms_);
        sent += kPiece;
      }
    }
    return sent;
  }
  std::int64_t now_ms_ = 1'000'000;
};

TEST_F(Pace, KeepsToItsRateWhileProducersWrite) {
  CatchUpPace pace(32U << 20);
  send_for(pace, 2'000, 10'000);
  const std::uint64_t sent = send_for(pace, 10'000, 10'000);
  EXPECT_NEAR(static_cast<double>(sent), 320.0 * (1U << 20), 4.0 * (1U << 20));
}

TEST_F(Pace, IsTwiceTheProducersSoThatTheGapCloses) {
  CatchUpPace pace(1U << 20);
  send_for(pace, 3'000, 1U << 20);  // 100 MiB a second
  const std::uint64_t sent = send_for(pace, 10'000, 1U << 20);
  EXPECT_NEAR(static_cast<double>(sent), 2'000.0 * (1U << 20), 50.0 * (1U << 20));
}

TEST_F(Pace, HasNoLimitWhileNobodyProduces) {
  CatchUpPace pace(1U << 20);
  EXPECT_EQ(send_for(pace, 10, 0), 10 * 100 * kPiece);
  send_for(pace, 3'000, 1'000);
  EXPECT_LT(send_for(pace, 1'000, 1'000), 3 * kPiece);
  send_for(pace, 3'000, 0);
  EXPECT_EQ(send_for(pace, 10, 0), 10 * 100 * kPiece);
}

TEST_F(Pace, ZeroIsNoLimit) {
  CatchUpPace pace(0);
  EXPECT_EQ(send_for(pace, 10, 1'000), 10 * 100 * kPiece);
}

TEST_F(Pace, KeepsPiecesSmallWhileSomebodyProduces) {
  CatchUpPace pace(32U << 20);
  EXPECT_GE(pace.piece_bytes(now_ms_), 16 * kCatchUpPieceBytes);
  send_for(pace, 100, 10'000);
  EXPECT_EQ(pace.piece_bytes(now_ms_), kCatchUpPieceBytes);
}

TEST_F(Pace, SaysWhenItGoesOn) {
  CatchUpPace pace(32U << 20);
  send_for(pace, 1'000, 10'000);
  while (pace.admits(now_ms_)) pace.sent(kPiece, now_ms_);
  const std::int64_t next_ms = pace.next_ms(now_ms_);
  EXPECT_GT(next_ms, now_ms_);
  EXPECT_FALSE(pace.admits(next_ms - 2));
  EXPECT_TRUE(pace.admits(next_ms));
}

}  // namespace
}  // namespace penstock::broker
