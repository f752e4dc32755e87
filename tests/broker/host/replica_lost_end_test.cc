// Stories of logs whose last file was shortened while nobody looked: the end is not certain, and
// what was acknowledged there must come from the others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/checkpoint.h"
#include "storage/segment_name.h"
#include "tests/broker/host/cluster.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using testing::IsEmpty;

class LostEndTest : public testing::Test {
 protected:
  LostEndTest() {
    trio.start_everyone();
    EXPECT_TRUE(trio.produce(60, 100));
    trio.run(2'000);  // checkpoints
  }
  void TearDown() override { EXPECT_THAT(trio.violations(), IsEmpty()); }

  Member& other_than(const Member& one) { return trio.node(one.id.value() == 1 ? 2 : 1); }
  // An orderly stop: nothing follows what the checkpoint knows.
  void close(Member& member) {
    ASSERT_OK(member->close());
    trio.stop(member);
  }
  static std::string last_segment(Member& member) {
    std::string last;
    for (const std::string& path : member.env->files(kReplicaDir)) {
      if (path.ends_with(".log")) last = path;
    }
    return last;
  }
  // Down to a third of what its checkpoint vouches for.
  static void shorten(Member& member) {
    const std::string path = last_segment(member);
    const auto checkpoint = member.env->contents(std::string(kReplicaDir) + "/" +
                                                 std::string(storage::kCheckpointName));
    ASSERT_TRUE(checkpoint.has_value());
    const auto newest = storage::newest_slot(*checkpoint);
    ASSERT_TRUE(newest.has_value());
    ASSERT_GT(newest->checkpoint.point.position(), 300U) << "there is something to lose";
    Bytes bytes = *member.env->contents(path);
    bytes.resize(newest->checkpoint.point.position() / 3);
    member.env->put(path, bytes);
  }
  static bool is_whole(Member& member) {
    return member->log().damage().empty() && !member->is_damaged();
  }

  Cluster trio{nodes({1, 2, 3})};
};

TEST_F(LostEndTest, RepairGetsThroughWhateverIsProducedMeanwhile) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  close(shortened);
  shorten(shortened);
  ASSERT_TRUE(trio.produce(20));
  ASSERT_OK(trio.start(shortened));
  // What it cannot take comes before what it has asked for, each time.
  for (int i = 0; i < 500 && !is_whole(shortened); ++i) {
    ASSERT_OK(trio.append(leader));
    trio.run(10);
  }
  EXPECT_TRUE(is_whole(shortened));
  EXPECT_GT(shortened->stats().refused_appends, 0U);
  EXPECT_GT(shortened->stats().mended_runs, 0U);
}

TEST_F(LostEndTest, TheAnswerToAnAppendThatIsNotTakenSaysWhatIsWanted) {
  Member& leader = trio.elect();
  Member& shortened = other_than(leader);
  close(shortened);
  shorten(shortened);
  ASSERT_TRUE(trio.produce(3));
  ASSERT_OK(trio.start(shortened));
  std::optional<PeerMessage> append;
  trio.loses = [&](const PeerMessage& message) {
    const auto* request = std::get_if<raft::AppendRequest>(&message.envelope.message);
    if (message.envelope.to != shortened.id || request == nullptr) return false;
    if (request->range.end > shortened->log_end() && !request->range.empty()) append = message;
    return !request->range.empty();
  };
  ASSERT_TRUE(trio.run_until([&] { return append.has_value(); }));
  trio.clock.advance_ms(trio.raft_options.heartbeat_ms);
  trio.network.clear();
  shortened->receive(*append);
  trio.drain(shortened);
  ASSERT_EQ(trio.network.size(), 1U);
  const PeerMessage& answer = trio.network.front();
  const auto* reply = std::get_if<raft::AppendReply>(&answer.envelope.message);
  ASSERT_NE(reply, nullptr);
  EXPECT_TRUE(reply->accepted) << "a refusal would make the leader look for where the logs part";
  EXPECT_LE(reply->durable_end, shortened->log_end());
  ASSERT_TRUE(answer.wants.has_value());
  EXPECT_EQ(answer.wants->begin, shortened->log().damage().front().begin);
}

}  // namespace
}  // namespace penstock::broker
