// What a consumer fetches when, and what answers mean for its positions: told with virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/limits.h"
#include "tests/client/consumer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ConsumerCoreTest : public ConsumerCoreStory {};

TEST_F(ConsumerCoreTest, PositionsMoveWithWhatIsKept) {
  open();
  EXPECT_EQ(fetch(), "0@100 1@100");
  EXPECT_THAT(answer({records_up_to(150), nothing()}),
              ElementsAre(Disposition::kKeep, Disposition::kEmpty));
  EXPECT_EQ(fetch(), "0@150 1@100");
}

TEST_F(ConsumerCoreTest, APartitionIsInOneFetchAtATime) {
  open();
  EXPECT_EQ(fetch(), "0@100 1@100");
  EXPECT_EQ(fetch(), "nothing");
  EXPECT_THAT(core_->brokers_with_work(now_), IsEmpty());
}

TEST_F(ConsumerCoreTest, ALongPollDoesNotHoldUpAPartitionThatBecomesReady) {
  open();
  core_->pause(1);
  EXPECT_EQ(fetch(), "0@100");
  core_->resume(1);
  EXPECT_EQ(fetch(), "1@100") << "while the first fetch is still waiting";
}

TEST_F(ConsumerCoreTest, FetchesToABrokerAreLimited) {
  open({}, 6);
  for (Seat seat = 0; seat < 6; ++seat) core_->pause(seat);
  for (Seat seat = 0; seat < kMaxFetchesPerBroker; ++seat) {
    core_->resume(seat);
    EXPECT_EQ(fetch(), std::to_string(seat) + "@100");
  }
  core_->resume(5);
  EXPECT_EQ(fetch(), "nothing");
}

TEST_F(ConsumerCoreTest, OneMemoryLimitHoldsForAllPartitions) {
  open({.memory_limit_bytes = 4U << 20, .fetch_bytes = 1U << 20, .partition_fetch_bytes = 1U << 20},
       3);
  core_->pause(1);
  core_->pause(2);
  EXPECT_EQ(fetch(/*held_bytes=*/3U << 20), "0@100");
  EXPECT_EQ(core_->reserved_bytes(), 1U << 20);
  core_->resume(1);
  EXPECT_EQ(fetch(3U << 20), "nothing") << "the fetch under way may fill the rest";
  EXPECT_TRUE(core_->take_starved());
  EXPECT_FALSE(core_->take_starved());
  EXPECT_EQ(fetch((3U << 20) - (200U << 10)), "1@100");
  EXPECT_EQ(plan_.max_bytes, 200U << 10) << "no more than there is room for";
}

TEST_F(ConsumerCoreTest, AFetchReservesNoMoreThanItsPartitionsMayReturn) {
  open({.fetch_bytes = 4U << 20, .partition_fetch_bytes = 1U << 20}, 2);
  fetch();
  EXPECT_EQ(core_->reserved_bytes(), 2U << 20);
  answer({nothing(), nothing()});
  EXPECT_EQ(core_->reserved_bytes(), 0U);
}

TEST_F(ConsumerCoreTest, WithNothingInMemoryThereIsAlwaysRoomForOneFetch) {
  open({.memory_limit_bytes = 10});
  EXPECT_EQ(fetch(), "0@100 1@100");
  answer({records_up_to(101), nothing()});
  EXPECT_EQ(fetch(/*held_bytes=*/1'000), "nothing");
}

TEST_F(ConsumerCoreTest, TwoFetchesToEveryBrokerFitIntoTheLimit) {
  open({.memory_limit_bytes = 8U << 20, .fetch_bytes = 4U << 20, .partition_fetch_bytes = 4U << 20},
       4);
  TopicMetadata topic = orders(1, kBroker, 4);
  topic.partitions[2].leader = topic.partitions[3].leader = kOther;
  core_->place(topic);
  EXPECT_EQ(fetch(0, kBroker), "0@100 1@100");
  EXPECT_EQ(plan_.max_bytes, 2U << 20);
  EXPECT_EQ(fetch(0, kOther), "2@100 3@100") << "one broker does not starve another";
}

TEST_F(ConsumerCoreTest, PartitionsTakeTurnsInFront) {
  open();
  EXPECT_EQ(fetch(), "0@100 1@100");
  answer({records_up_to(101), records_up_to(101)});
  core_->pause(0);
  EXPECT_EQ(fetch(), "1@101");
  core_->resume(0);
  answer({records_up_to(102)});
  EXPECT_EQ(fetch(), "0@101 1@102");
}

TEST_F(ConsumerCoreTest, PausedPartitionsAreNotFetchedAndKeepTheirPosition) {
  open();
  core_->pause(0);
  EXPECT_EQ(fetch(), "1@100");
  answer({records_up_to(120)});
  core_->resume(0);
  EXPECT_EQ(fetch(), "1@120 0@100");
}

TEST_F(ConsumerCoreTest, WhatArrivesAfterAPauseIsKept) {
  open();
  fetch();
  core_->pause(0);
  EXPECT_THAT(answer({records_up_to(150), nothing()}),
              ElementsAre(Disposition::kKeep, Disposition::kEmpty));
  now_ += kEmptyFetchPause;
  EXPECT_EQ(fetch(), "1@100");
  core_->resume(0);
  EXPECT_EQ(fetch(), "0@150");
}

TEST_F(ConsumerCoreTest, AnAnswerFromBeforeASeekChangesNothing) {
  open();
  fetch();
  const FetchPlan before = plan_;
  core_->seek(0, Offset(7));
  EXPECT_EQ(fetch(), "0@7") << "at once";
  plan_ = before;
  EXPECT_THAT(answer({records_up_to(150), records_up_to(110)}),
              ElementsAre(Disposition::kDrop, Disposition::kKeep));
  EXPECT_EQ(fetch(), "1@110");
}

TEST_F(ConsumerCoreTest, AnAnswerFromBeforeAnAssignmentChangesNothing) {
  open();
  fetch();
  core_->assign({{.topic = "other",
                  .id = {topic_id(9), PartitionId(0)},
                  .leader = kBroker,
                  .leader_epoch = Term(1),
                  .position = Offset(5)}});
  EXPECT_THAT(answer({records_up_to(150), records_up_to(110)}),
              ElementsAre(Disposition::kDrop, Disposition::kDrop));
  EXPECT_EQ(fetch(), "0@5");
  EXPECT_EQ(core_->reserved_bytes(), 1U << 20);
}

TEST_F(ConsumerCoreTest, ABrokerThatDoesNotWaitIsNotAskedInALoop) {
  open();
  fetch();
  answer({nothing(), nothing()});
  EXPECT_EQ(fetch(), "0@100 1@100");
  answer({nothing(), nothing()});
  EXPECT_EQ(fetch(), "nothing");
  EXPECT_EQ(core_->next_deadline(now_), now_ + kEmptyFetchPause);
  now_ += kEmptyFetchPause;
  EXPECT_EQ(fetch(), "0@100 1@100");
  now_ += milliseconds(500);
  answer({nothing(), nothing()});
  EXPECT_EQ(fetch(), "0@100 1@100") << "it did wait: ask again at once";
}

TEST_F(ConsumerCoreTest, TheFirstAnswerIsNotWaitedFor) {
  open();
  fetch();
  EXPECT_FALSE(plan_.may_wait) << "whether it is at its end is not known yet";
  answer({nothing(), records_up_to(110)});
  fetch();
  EXPECT_TRUE(plan_.may_wait);
  core_->seek(0, Offset(5));
  fetch();
  EXPECT_FALSE(plan_.may_wait);
}

// Random answers, seeks, pauses and losses: what is kept of a partition is contiguous from the last
// seek on, the memory reservation never exceeds the limit by more than one fetch, and nothing
// hangs.
TEST(ConsumerSimTest, WhatIsKeptIsContiguousWhateverHappens) {
  std::uint64_t kept = 0;
  constexpr std::uint64_t kSeeds = 500;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Rng rng(seed);
    const ConsumerConfig config{.memory_limit_bytes = 1U << 20, .fetch_bytes = 256U << 10};
    ConsumerCore core(config, Backoff(milliseconds(5), milliseconds(40)), Rng(seed));
    Instant now{std::chrono::hours(1)};
    constexpr Seat kSeats = 5;
    std::vector<SeatStart> starts(kSeats, {.topic = "t", .id = {}, .leader = kBroker});
    core.assign(starts);
    std::vector<Offset> expected(kSeats, Offset(0));
    std::vector<FetchPlan> under_way;
    std::size_t held = 0;
    for (int step = 0; step < 500; ++step) {
      const Seat seat = static_cast<Seat>(rng.below(kSeats));
      switch (rng.below(6)) {
        case 0:
          if (auto plan = core.next_fetch(kBroker, held, now)) under_way.push_back(*plan);
          break;
        case 1:
        case 2: {
          if (under_way.empty()) break;
          const std::size_t i = rng.below(under_way.size());
          const FetchPlan plan = under_way[i];
          under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(i));
          if (rng.one_in(6)) {
            core.on_failure(plan.id, Error(Errc::kConnectionLost), now);
            break;
          }
          std::vector<FetchedPart> answers;
          for (const FetchPlan::Part& part : plan.parts) {
            FetchedPart answer;
            if (rng.one_in(7)) answer.error = Error(Errc::kNotLeader);
            answer.bytes = rng.one_in(3) ? 0 : rng.below(60'000);
            answer.next = part.offset + static_cast<std::int64_t>(1 + rng.below(50));
            answers.push_back(answer);
          }
          const auto dispositions = core.on_answer(plan.id, answers, now);
          for (std::size_t p = 0; p < plan.parts.size(); ++p) {
            if (dispositions[p] != Disposition::kKeep) continue;
            ++kept;
            held += answers[p].bytes;
            ASSERT_EQ(plan.parts[p].offset, expected[plan.parts[p].seat]);
            expected[plan.parts[p].seat] = answers[p].next;
          }
          break;
        }
        case 3:
          held -= rng.below(held + 1);
          break;
        case 4:
          now += milliseconds(rng.below(60));
          break;
        case 5:
          if (rng.one_in(3)) {
            expected[seat] = Offset(static_cast<std::int64_t>(rng.below(1'000)));
            core.seek(seat, expected[seat]);
          } else if (rng.one_in(2)) {
            core.pause(seat);
          } else {
            core.resume(seat);
          }
          break;
      }
      ASSERT_LE(core.reserved_bytes(), config.memory_limit_bytes + config.fetch_bytes);
    }
    for (const FetchPlan& plan : under_way) core.on_failure(plan.id, Error(Errc::kTimeout), now);
    EXPECT_EQ(core.reserved_bytes(), 0U);
    for (Seat seat = 0; seat < kSeats; ++seat) core.resume(seat);
    now += milliseconds(100);
    const auto plan = core.next_fetch(kBroker, 0, now);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->parts.size(), kSeats) << "every partition is fetched again";
  }
  std::printf("CONSUMERSIM seeds=%llu kept=%llu\n", static_cast<unsigned long long>(kSeeds),
              static_cast<unsigned long long>(kept));
  EXPECT_GT(kept, 0U);
}

}  // namespace
}  // namespace penstock::client
