// Stories of members that lack much, and of the pace at which they get it.
#include "broker/host/catch_up_pace.h"
#include "broker/host/limits.h"
#include "tests/broker/host/trio.h"

namespace penstock::broker {
namespace {

using testing::IsEmpty;

constexpr std::size_t kLargeRecord = 64U << 10;
constexpr int kLargeRecords = 3 * static_cast<int>(kLateBytes / kLargeRecord) / 2;

class CatchUpTest : public TrioTest {
 protected:
  CatchUpTest() {
    trio.raft_options.max_request_bytes = 1U << 20;
    trio.log_options.segment_bytes = 8U << 20;
    trio.start_everyone();
  }

  Member& start(Member& member) {
    EXPECT_TRUE(trio.start(member));
    return member;
  }
  Member& follower() { return other_than(trio.elect()); }
  std::uint64_t bytes_of(Member& member) { return member->log().size_bytes(); }
  // A small record every 10 ms.
  void produce_for(std::int64_t ms) {
    for (std::int64_t passed = 0; passed < ms; passed += 10) {
      if (Member* leader = trio.leader()) static_cast<void>(trio.append(*leader));
      trio.run(10);
    }
  }

  CatchUpPace pace{1U << 20};
};

TEST_F(CatchUpTest, ALateMemberIsSentWhatItLacksAtThePaceThatIsLeftByProducers) {
  Member& late = follower();
  trio.stop(late);
  ASSERT_TRUE(trio.produce(kLargeRecords, kLargeRecord));
  trio.elect()->set_catch_up_pace(pace);
  produce_for(2'000);
  std::uint64_t largest = 0;
  trio.loses = [&](const PeerMessage& message) {
    largest = std::max<std::uint64_t>(largest, message.attachment.size());
    return false;
  };
  start(late);
  produce_for(5'000);
  EXPECT_LE(largest, kCatchUpPieceBytes) << "in pieces behind which a flush does not wait long";
  EXPECT_GT(bytes_of(late), 3U << 20) << "it gains";
  EXPECT_LT(bytes_of(late), 9U << 20) << "about a mebibyte a second";
  trio.run(5'000);
  EXPECT_EQ(trio.differences(), "") << "nobody produces: at once";
  EXPECT_GT(largest, kCatchUpPieceBytes);
}

TEST_F(CatchUpTest, AMemberWithoutWhichNothingIsCommittedDoesNotWait) {
  Member& late = follower();
  trio.stop(late);
  ASSERT_TRUE(trio.produce(kLargeRecords, kLargeRecord));
  Member& leader = trio.elect();
  leader->set_catch_up_pace(pace);
  produce_for(2'000);
  start(late);
  trio.run(200);
  trio.stop(trio.node(6 - late.id.value() - leader.id.value()));
  const std::uint64_t acknowledged = trio.acknowledged();
  produce_for(3'000);
  EXPECT_GT(trio.acknowledged(), acknowledged);
  EXPECT_GT(bytes_of(late), kLateBytes);
}

}  // namespace
}  // namespace penstock::broker
