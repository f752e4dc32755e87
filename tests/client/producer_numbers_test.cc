// Stories of a producer core that numbers its batches: several requests under way, and what becomes
// of them.
#include <gmock/gmock.h>

#include "tests/client/producer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ProducerNumbersTest : public ProducerCoreStory {
 protected:
  void begin(Naming naming = Naming::kUnnamed, ProducerConfig config = {}) {
    config.max_in_flight_requests = 10;
    open(config);
    core_->number_batches(naming);
  }
  void begin_with_number() {
    begin();
    core_->identify({7, 0});
  }
  // "7/0@3": who wrote the first batch of the last request, and from which sequence on.
  std::string numbers() {
    const auto view = *record::BatchView::parse(calls_[last_call_].parts[0].batches[0].view());
    EXPECT_TRUE(view.verify_crc());
    return std::to_string(view.producer_id()) + "/" + std::to_string(view.producer_epoch()) + "@" +
           std::to_string(view.base_sequence());
  }
  // One request for each tag.
  std::vector<std::uint64_t> send_each(std::initializer_list<std::uint64_t> tags) {
    std::vector<std::uint64_t> calls;
    for (const std::uint64_t tag : tags) {
      add(0, tag);
      EXPECT_EQ(send(), "0:1") << tag;
      calls.push_back(last_call_);
    }
    return calls;
  }
};

TEST_F(ProducerNumbersTest, NothingLeavesWithoutANumber) {
  begin();
  add(0, 1);
  EXPECT_TRUE(core_->wants_identity());
  EXPECT_EQ(send(), "nothing");
  core_->on_no_identity(Error(Errc::kNotReady, "no controller"));
  pass(120'000);
  EXPECT_THAT(outcomes(), ElementsAre("1 failed NotReady"));
  add(0, 2);
  core_->identify({7, 0});
  EXPECT_EQ(send(), "0:1");
  EXPECT_EQ(numbers(), "7/0@0");
}

TEST_F(ProducerNumbersTest, FivePartsOfAPartitionAreUnderWayAtOnce) {
  begin_with_number();
  send_each({1, 2, 3, 4, 5});
  EXPECT_EQ(numbers(), "7/0@4");
  add(0, 6);
  EXPECT_EQ(send(), "nothing");
  acknowledge(4);
  EXPECT_EQ(send(), "0:1");
  EXPECT_EQ(numbers(), "7/0@5");
}

TEST_F(ProducerNumbersTest, WhatFollowsALostRequestGoesAgainInItsOrderWithItsNumbers) {
  begin_with_number();
  const auto calls = send_each({1, 2, 3});
  last_call_ = calls[2];
  refuse(Errc::kOutOfOrderSequence);
  EXPECT_EQ(send(), "nothing") << "until all have ended";
  last_call_ = calls[0];
  lose();
  last_call_ = calls[1];
  refuse(Errc::kOutOfOrderSequence);
  pass(5'000);
  EXPECT_EQ(send(), "0:1+1+1");
  EXPECT_EQ(numbers(), "7/0@0");
  acknowledge(20);
  EXPECT_THAT(outcomes(), ElementsAre("1@20", "2@21", "3@22"));
}

TEST_F(ProducerNumbersTest, ARetryIsNoRiskOfADuplicate) {
  begin_with_number();
  add(0, 1);
  send();
  lose();
  pass(5'000);
  send();
  acknowledge(3);
  const auto told = core_->take_outcomes();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_FALSE(told[0].may_be_twice);
}

TEST_F(ProducerNumbersTest, BatchesThatWereThereAlreadyHaveTheirOwnOffsets) {
  begin_with_number();
  add(0, 1);
  add(0, 2);
  EXPECT_EQ(send(), "0:1+1");
  const std::vector<PartAnswer> answers{{.error = {},
                                         .base_offset = Offset(5),
                                         .last_offset = Offset(9),
                                         .receipt = {},
                                         .batches = {Offset(5), Offset(9)}}};
  core_->on_answer(last_call_, answers, now_);
  EXPECT_THAT(outcomes(), ElementsAre("1@5", "2@9"));
}

TEST_F(ProducerNumbersTest, WhatIsThereAndForgottenIsDurableAtAnUnknownPlace) {
  begin_with_number();
  add(0, 1);
  send();
  lose();
  pass(5'000);
  send();
  refuse(Errc::kDuplicateSequence);
  EXPECT_THAT(outcomes(), ElementsAre("1@-1"));
}

TEST_F(ProducerNumbersTest, APartitionThatHasForgottenTheProducerGetsANewEpoch) {
  begin_with_number();
  send_each({1});
  acknowledge();
  send_each({2});
  refuse(Errc::kUnknownProducer);
  pass(5'000);
  EXPECT_EQ(send(), "0:1");
  EXPECT_EQ(numbers(), "7/1@0");
  acknowledge(1);
  EXPECT_THAT(outcomes(), ElementsAre("1@0", "2@1"));
}

TEST_F(ProducerNumbersTest, WhoIsFencedEndsWithAllThatWaits) {
  begin(Naming::kNamed);
  core_->identify({7, 3});
  const auto calls = send_each({1, 2});
  add(0, 3);
  add(1, 4);
  last_call_ = calls[0];
  refuse(Errc::kProducerFenced);
  EXPECT_EQ(send(), "nothing");
  last_call_ = calls[1];
  lose();
  EXPECT_THAT(outcomes(),
              testing::UnorderedElementsAre("1 failed ProducerFenced", "3 failed ProducerFenced",
                                            "4 failed ProducerFenced", "2 unknown ConnectionLost"));
  add(0, 5);
  EXPECT_THAT(outcomes(), ElementsAre("5 failed ProducerFenced"));
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerNumbersTest, ABatchThatIsTooLargeIsSplitAndBothHalvesKeepTheirNumbers) {
  begin_with_number();
  add(0, 1, 4);
  send();
  refuse(Errc::kBatchTooLarge);
  pass(5'000);
  EXPECT_EQ(send(), "0:2");
  EXPECT_EQ(numbers(), "7/0@0");
  acknowledge();
  EXPECT_EQ(send(), "0:2");
  EXPECT_EQ(numbers(), "7/0@2");
  acknowledge(2);
  EXPECT_THAT(outcomes(), ElementsAre("1@0", "3@2"));
}

TEST_F(ProducerNumbersTest, BrokersThatKnowNoNumbersGetBatchesOneRequestAtATime) {
  begin();
  add(0, 1);
  core_->go_unnumbered();
  EXPECT_FALSE(core_->wants_identity());
  EXPECT_EQ(send(), "0:1");
  EXPECT_EQ(numbers(), "-1/-1@-1");
  add(0, 2);
  EXPECT_EQ(send(), "nothing");
  acknowledge();
  EXPECT_EQ(send(), "0:1");
}

}  // namespace
}  // namespace penstock::client
