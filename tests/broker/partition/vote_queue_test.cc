// Terms and votes on their way to the disk: what is told when, and what a failure means.
#include "broker/partition/vote_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "fakes/fake_env.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TopicPartition group(int number) { return {{}, PartitionId(number)}; }
raft::HardState term(int number) { return {Term(number), raft::NodeId(1)}; }

class VoteQueueTest : public testing::Test {
 protected:
  VoteQueueTest() {
    EXPECT_TRUE(env_.create_dirs("/data") && env_.sync_dir("/"));
    EXPECT_TRUE(queue_.open(env_, "/data", Uuid{}));
  }
  void save(int number, int its_term) {
    queue_.save({group(number), term(its_term)}, home_.get_executor(),
                [this, number] { saved_.push_back(number); });
  }
  void run() {
    for (std::size_t done = 1; done > 0;) {
      pool_.restart();
      home_.restart();
      done = pool_.poll() + home_.poll();
    }
  }
  std::optional<raft::HardState> after_a_power_cut(int number) {
    Rng rng(1);
    env_.crash(fakes::Survives::kNothingUnsynced, rng);
    return VoteStore::open(env_, "/data", Uuid{}).value()->find(group(number));
  }

  fakes::FakeEnv env_;
  asio::io_context pool_, home_;
  std::vector<std::string> fatal_;
  VoteQueue queue_{pool_.get_executor(),
                   [this](const Error& e) { fatal_.push_back(e.to_string()); }};
  std::vector<int> saved_;
};

TEST_F(VoteQueueTest, VotesThatComeTogetherShareAFlushAndAreToldWhenItIsOver) {
  const std::uint64_t before = env_.calls(fakes::kSync);
  for (int i = 0; i < 1'000; ++i) save(i, 3);
  EXPECT_THAT(saved_, ElementsAre());
  run();
  EXPECT_EQ(saved_.size(), 1'000U);
  EXPECT_LE(env_.calls(fakes::kSync) - before, 3U) << "votes, the watermark, perhaps a new journal";
  EXPECT_EQ(after_a_power_cut(999), term(3));
}

TEST_F(VoteQueueTest, AFullDiskIsWaitedForAndNobodyIsToldMeanwhile) {
  env_.plan_fault({.fault = fakes::Fault::kDiskFull, .at_call = 0, .calls = fakes::kWrite});
  save(1, 3);
  run();
  EXPECT_THAT(saved_, ElementsAre());
  EXPECT_THAT(fatal_, ElementsAre());
  env_.clear_faults();
  save(2, 3);  // does not wait for the timer
  run();
  EXPECT_THAT(saved_, ElementsAre(1, 2));
  queue_.stop();
  run();
}

TEST_F(VoteQueueTest, AFailedFlushIsFatalAndNobodyIsTold) {
  env_.plan_fault({.fault = fakes::Fault::kIoError, .at_call = 0, .calls = fakes::kSync});
  save(1, 3);
  run();
  EXPECT_THAT(saved_, ElementsAre());
  EXPECT_THAT(fatal_, ElementsAre(HasSubstr("flush of votes")));
}

TEST_F(VoteQueueTest, AVoteThatContradictsAnOlderOneIsFatal) {
  save(1, 3);
  run();
  save(1, 2);
  run();
  EXPECT_THAT(saved_, ElementsAre(1));
  EXPECT_THAT(fatal_, ElementsAre(HasSubstr("not taken back")));
}

TEST_F(VoteQueueTest, AGroupThatIsGoneIsForgotten) {
  save(1, 3);
  run();
  queue_.forget(group(1));
  run();
  EXPECT_EQ(after_a_power_cut(1), std::nullopt);
}

TEST(VoteQueueOnThreads, WhoMayBlockAsksForWhatIsKnown) {
  fakes::FakeEnv env;
  ASSERT_TRUE(env.create_dirs("/data"));
  asio::thread_pool pool(1);
  VoteQueue queue(pool.get_executor(), [](const Error& e) { FAIL() << e.to_string(); });
  ASSERT_TRUE(queue.open(env, "/data", Uuid{}));
  EXPECT_EQ(queue.find(group(1)), std::nullopt);
  queue.save({group(2), term(5)}, pool.get_executor(), [] {});
  EXPECT_EQ(queue.find(group(2)), term(5)) << "behind what was asked for before";
  queue.stop();
  pool.join();
}

}  // namespace
}  // namespace penstock::broker
