// Stories of an assignment that changes in part: what stays is not touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/shelf.h"
#include "protocol/record/builder.h"
#include "tests/client/consumer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class ChangedAssignment : public ConsumerCoreStory {
 protected:
  static SeatStart start_of(int partition, std::int64_t offset) {
    return {.topic = "orders",
            .id = {topic_id(1), PartitionId(partition)},
            .leader = kBroker,
            .leader_epoch = Term(1),
            .replicas = {},
            .position = Offset(offset)};
  }
};

TEST_F(ChangedAssignment, WhatComesIsFetchedBesideWhatIsOnItsWay) {
  open();
  EXPECT_EQ(fetch(), "0@100 1@100");
  core_->add(2, start_of(2, 700));
  EXPECT_THAT(core_->brokers_with_work(now_), ElementsAre(kBroker));
  const FetchPlan first = plan_;
  EXPECT_EQ(fetch(), "2@700");
  plan_ = first;
  EXPECT_THAT(answer({records_up_to(150), records_up_to(180)}),
              ElementsAre(Disposition::kKeep, Disposition::kKeep))
      << "what was asked before counts";
}

TEST_F(ChangedAssignment, AnAnswerForWhatWentSaysNothing) {
  open();
  EXPECT_EQ(fetch(), "0@100 1@100");
  core_->drop(1);
  EXPECT_THAT(answer({records_up_to(150), records_up_to(180)}),
              ElementsAre(Disposition::kKeep, Disposition::kDrop));
  EXPECT_EQ(fetch(), "0@150");
}

TEST_F(ChangedAssignment, WhatWentIsNeitherFetchedNorComplainedAbout) {
  open();
  core_->drop(1);
  EXPECT_EQ(fetch(), "0@100");
  core_->topic_gone("orders", Error(Errc::kUnknownTopic));
  EXPECT_THAT(errors(), ElementsAre("0 UnknownTopic"));
  core_->drop(0);
  EXPECT_EQ(fetch(), "nothing");
  EXPECT_THAT(core_->brokers_with_work(now_), IsEmpty());
}

TEST_F(ChangedAssignment, AnErrorThatNobodyHasHeardGoesWithThePartition) {
  open();
  core_->topic_gone("orders", Error(Errc::kUnknownTopic));
  core_->drop(0);
  EXPECT_THAT(errors(), ElementsAre("1 UnknownTopic"));
}

TEST_F(ChangedAssignment, ASeatThatBecameFreeIsUsedAgainAndKnowsNothingOfBefore) {
  open();
  EXPECT_EQ(fetch(), "0@100 1@100");
  const FetchPlan first = plan_;
  core_->drop(1);
  core_->add(1, start_of(5, 40));
  EXPECT_EQ(fetch(), "1@40");
  const FetchPlan second = plan_;
  plan_ = first;
  EXPECT_THAT(answer({records_up_to(150), records_up_to(180)}),
              ElementsAre(Disposition::kKeep, Disposition::kDrop));
  plan_ = second;
  EXPECT_THAT(answer({records_up_to(60)}), ElementsAre(Disposition::kKeep));
  EXPECT_EQ(fetch(), "0@150 1@60");
}

class ChangedShelf : public testing::Test {
 protected:
  static SeatStart start_of(int partition) {
    return {.topic = "orders", .id = {{}, PartitionId(partition)}, .position = Offset(10)};
  }
  static Shelf::Item item(std::int64_t from) {
    record::BatchBuilder builder;
    builder.append(Timestamp(1), std::nullopt, as_bytes("value"));
    Bytes batch = builder.build().value();
    return {.batches = SharedBytes(std::move(batch)),
            .from = Offset(from),
            .next = Offset(from + 1),
            .high_watermark = Offset(from + 1),
            .records = 1};
  }

  Shelf shelf_{ConsumerConfig(), [] {}};
};

TEST_F(ChangedShelf, WhatStaysKeepsWhatItHolds) {
  shelf_.assign({start_of(0), start_of(1)});
  shelf_.put(0, item(10));
  shelf_.put(1, item(10));
  shelf_.drop(1);
  shelf_.add(2, start_of(2));
  const auto chunks = shelf_.take(Instant::max());
  ASSERT_TRUE(chunks);
  ASSERT_THAT(*chunks, SizeIs(1));
  EXPECT_EQ(chunks->front().partition(), PartitionId(0));
  EXPECT_EQ(shelf_.position("orders", PartitionId(0)).value(), Offset(11));
  EXPECT_EQ(shelf_.position("orders", PartitionId(2)).value(), Offset(10));
  EXPECT_EQ(shelf_.position("orders", PartitionId(1)).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(shelf_.held_bytes(), 0U);
}

TEST_F(ChangedShelf, ASeatIsUsedAgain) {
  shelf_.assign({start_of(0)});
  shelf_.put(0, item(10));
  shelf_.drop(0);
  EXPECT_TRUE(shelf_.at_end()) << "nothing is assigned";
  shelf_.add(0, start_of(7));
  EXPECT_FALSE(shelf_.at_end());
  EXPECT_EQ(shelf_.position("orders", PartitionId(7)).value(), Offset(10));
  EXPECT_THAT(*shelf_.take(Instant()), IsEmpty()) << "what another partition held is gone";
}

TEST_F(ChangedShelf, AnInterruptEndsAWaitOnce) {
  shelf_.assign({start_of(0)});
  shelf_.interrupt();
  EXPECT_THAT(*shelf_.take(Instant::max()), IsEmpty());
  shelf_.put(0, item(10));
  EXPECT_THAT(*shelf_.take(Instant::max()), SizeIs(1));
}

}  // namespace
}  // namespace penstock::client
