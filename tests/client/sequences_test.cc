// A producer's numbers when all goes well, when answers are lost, and when a partition refuses.
#include "client/sequences.h"

#include <gtest/gtest.h>

#include <string>

namespace penstock::client {
namespace {

using Identity = record::ProducerIdentity;

constexpr Slot kSlot = 3;
constexpr Slot kOther = 4;
const Error kLost(Errc::kConnectionLost, "");
const Error kNotLeader(Errc::kNotLeader, "");
const Error kGap(Errc::kOutOfOrderSequence, "");
const Error kForgotten(Errc::kUnknownProducer, "");
const Error kThere(Errc::kDuplicateSequence, "");
const Error kFenced(Errc::kProducerFenced, "");
const Error kTooLarge(Errc::kRecordTooLarge, "");
const Error kRefused(Errc::kUnsupportedCompression, "");

// Batches of ten records; a part is the list of their keys.
struct Producer {
  explicit Producer(Naming naming = Naming::kUnnamed) : sequences(naming) {
    sequences.identify({7, 0});
  }
  // "7/0@20": producer, epoch and first sequence of the part's first batch.
  std::string send(std::vector<BatchKey> keys, Slot slot = kSlot) {
    std::vector<Outgoing> batches;
    for (const BatchKey key : keys) batches.push_back({key, 10});
    const Stamp first = sequences.send(slot, batches).front();
    return std::to_string(first.producer.id) + "/" + std::to_string(first.producer.epoch) + "@" +
           std::to_string(first.first_sequence);
  }
  void delivered(std::vector<BatchKey> keys, Slot slot = kSlot) { sequences.delivered(slot, keys); }
  void answered(std::vector<BatchKey> keys, const Error& error, Slot slot = kSlot) {
    sequences.failed(slot, keys, error, Stage::kAnswered);
  }
  void lost(std::vector<BatchKey> keys, Slot slot = kSlot) {
    sequences.failed(slot, keys, kLost, Stage::kSent);
  }
  // The batch that goes next; 0: none, or a new one.
  BatchKey again(Slot slot = kSlot) const {
    const auto next = sequences.next_again(slot);
    return next ? next->key : 0;
  }
  bool new_ones(Slot slot = kSlot) const { return sequences.may_send_new(slot); }
  // "2:unknown 3:durable"
  std::string told() {
    std::string text;
    for (const SettledBatch& one : sequences.take_settled()) {
      const char* const fate = one.fate == Fate::kDurable      ? "durable"
                               : one.fate == Fate::kNotWritten ? "not-written"
                                                               : "unknown";
      text += (text.empty() ? "" : " ") + std::to_string(one.key) + ":" + fate;
    }
    return text;
  }
  Sequences sequences;
};

TEST(Sequences, NothingIsSentWithoutANumber) {
  Sequences sequences(Naming::kUnnamed);
  EXPECT_TRUE(sequences.wants_identity());
  EXPECT_FALSE(sequences.may_send_new(kSlot));
  sequences.identify({7, 0});
  EXPECT_FALSE(sequences.wants_identity());
  EXPECT_TRUE(sequences.may_send_new(kSlot));
}

TEST(Sequences, EachPartitionCountsItsRecordsByItself) {
  Producer producer;
  EXPECT_EQ(producer.send({1, 2}), "7/0@0");
  EXPECT_EQ(producer.send({3}), "7/0@20");
  EXPECT_EQ(producer.send({4}, kOther), "7/0@0");
  producer.delivered({1, 2});
  EXPECT_EQ(producer.send({5}), "7/0@30");
}

TEST(Sequences, FivePartsAndSixteenBatchesAreUnderWayAtMost) {
  Producer parts;
  for (BatchKey key = 1; key <= 5; ++key) {
    EXPECT_TRUE(parts.new_ones());
    parts.send({key});
  }
  EXPECT_FALSE(parts.new_ones());
  parts.delivered({1});
  EXPECT_TRUE(parts.new_ones());

  Producer batches;
  batches.send({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  EXPECT_FALSE(batches.new_ones()) << "what brokers remember";
}

// --- going again

TEST(Sequences, WhenOneFailsTheOthersWaitAndAllGoAgainInOrderUnderTheirNumbers) {
  Producer producer;
  producer.send({1});
  producer.send({2});
  producer.send({3});
  producer.answered({1}, kNotLeader);
  EXPECT_EQ(producer.again(), 0U) << "the others are under way";
  EXPECT_FALSE(producer.new_ones());
  producer.answered({2}, kGap);
  producer.answered({3}, kGap);
  EXPECT_EQ(producer.again(), 1U);
  EXPECT_FALSE(producer.new_ones()) << "they would overtake";
  EXPECT_EQ(producer.send({1}), "7/0@0");
  EXPECT_EQ(producer.again(), 2U);
  EXPECT_EQ(producer.send({2, 3}), "7/0@10");
  EXPECT_TRUE(producer.new_ones());
  EXPECT_EQ(producer.send({4}), "7/0@30");
  EXPECT_EQ(producer.told(), "");
}

// It was written, and only the answer was lost: the broker knows it.
TEST(Sequences, OneThatFailsBetweenOthersGoesAgainWhenTheyAreDone) {
  Producer producer;
  producer.send({1});
  producer.send({2});
  producer.send({3});
  producer.delivered({1});
  producer.lost({2});
  EXPECT_EQ(producer.again(), 0U);
  producer.delivered({3});
  EXPECT_EQ(producer.again(), 2U);
  EXPECT_EQ(producer.send({2}), "7/0@10");
  producer.delivered({2});
  EXPECT_EQ(producer.send({4}), "7/0@30");
}

TEST(Sequences, OtherPartitionsGoOn) {
  Producer producer;
  producer.send({1});
  producer.lost({1});
  EXPECT_TRUE(producer.new_ones(kOther));
}

TEST(Sequences, ABatchThatIsTakenApartKeepsItsSequences) {
  Producer producer;
  producer.send({1, 2});
  producer.answered({1, 2}, kTooLarge);
  EXPECT_TRUE(producer.sequences.next_again(kSlot)->alone);
  EXPECT_EQ(producer.send({1}), "7/0@0");
  producer.answered({1}, kTooLarge);
  producer.sequences.split(kSlot, 1, 4, 9);
  EXPECT_EQ(producer.send({1}), "7/0@0");
  producer.delivered({1});
  EXPECT_EQ(producer.send({9}), "7/0@4");
  producer.delivered({9});
  EXPECT_EQ(producer.send({2}), "7/0@10");
}

// --- gaps

TEST(Sequences, AGapThatIsCertainIsClosed) {
  Producer producer;
  producer.send({1});
  producer.send({2});
  producer.answered({1}, kRefused);
  EXPECT_EQ(producer.told(), "1:not-written");
  producer.answered({2}, kGap);
  EXPECT_EQ(producer.again(), 2U);
  EXPECT_EQ(producer.send({2}), "7/0@0");
  EXPECT_EQ(producer.send({3}), "7/0@10");
}

TEST(Sequences, TheLastOneLeavesNoGap) {
  Producer producer;
  producer.send({1});
  producer.answered({1}, kRefused);
  EXPECT_EQ(producer.send({2}), "7/0@0");
}

// Numbers of batches that are delivered are not given again.
TEST(Sequences, AGapIsClosedFromWhereItIs) {
  Producer producer;
  producer.send({1});
  producer.send({2});
  producer.send({3});
  producer.lost({1});
  producer.answered({3}, kRefused);
  producer.delivered({2});
  EXPECT_EQ(producer.send({1}), "7/0@0");
  EXPECT_EQ(producer.send({4}), "7/0@20");
}

// A request for it may still be on its way, and would be taken for the one that got its number.
TEST(Sequences, BehindAGapWhatMayArriveLateIsNotNumberedAgain) {
  Producer producer;
  producer.send({1});
  producer.send({2});
  producer.send({3});
  producer.answered({1}, kRefused);
  producer.lost({2});
  producer.answered({3}, kGap);
  EXPECT_EQ(producer.told(), "1:not-written 2:unknown");
  EXPECT_EQ(producer.again(), 3U);
  EXPECT_EQ(producer.send({3}), "7/1@0") << "under a new epoch, which fences the late one";
}

TEST(Sequences, WhatTimedOutUnansweredMayBeAGap) {
  Producer producer;
  producer.send({1});
  producer.send({2});
  producer.lost({1});
  EXPECT_EQ(producer.sequences.abandon(kSlot, 1), Fate::kUnknown);
  producer.answered({2}, kGap);
  EXPECT_EQ(producer.send({2}), "7/1@0");
  EXPECT_EQ(producer.told(), "") << "its producer was told already";
}

TEST(Sequences, WhatTimedOutButWasRefusedIsAGapForCertain) {
  Producer producer;
  producer.send({1});
  producer.answered({1}, kNotLeader);
  EXPECT_EQ(producer.sequences.abandon(kSlot, 1), Fate::kNotWritten);
  EXPECT_EQ(producer.send({2}), "7/0@0");
}

TEST(Sequences, WhatIsBehindItIsInTheLogSoItIsThereToo) {
  Producer producer;
  producer.send({1});
  producer.send({2});
  producer.lost({1});
  EXPECT_EQ(producer.sequences.abandon(kSlot, 1), Fate::kUnknown);
  producer.delivered({2});
  EXPECT_EQ(producer.send({3}), "7/0@20") << "no gap, no new epoch";
}

TEST(Sequences, OneThatIsAbandonedUnderWayMayStillBeDelivered) {
  Producer producer;
  producer.send({1});
  EXPECT_EQ(producer.sequences.abandon(kSlot, 1), Fate::kUnknown);
  producer.delivered({1});
  EXPECT_EQ(producer.send({2}), "7/0@10");
}

// --- refusals

TEST(Sequences, WhatIsThereAlreadyIsDurable) {
  Producer producer;
  producer.send({1});
  producer.lost({1});
  producer.send({1});
  producer.answered({1}, kThere);
  EXPECT_EQ(producer.told(), "1:durable");
  EXPECT_EQ(producer.send({2}), "7/0@10");
}

// Somebody else writes under this number.
TEST(Sequences, WhatWasNeverSentBeforeCannotBeThere) {
  Producer producer;
  producer.send({1});
  producer.answered({1}, kThere);
  EXPECT_EQ(producer.told(), "1:not-written");
  EXPECT_EQ(producer.send({2}), "7/1@0");
}

TEST(Sequences, APartitionThatHasForgottenGetsANewEpochAndWhatIsNotInDoubtAgain) {
  Producer producer;
  producer.send({1});
  producer.delivered({1});
  producer.send({2});
  producer.send({3});
  producer.answered({2}, kForgotten);
  EXPECT_EQ(producer.again(), 0U) << "one is under way";
  producer.answered({3}, kForgotten);
  EXPECT_EQ(producer.told(), "");
  EXPECT_EQ(producer.send({2, 3}), "7/1@0");
  producer.delivered({2, 3});
  EXPECT_EQ(producer.send({4}), "7/1@20");
}

// Peers have sent it again under a new number, and had it twice.
TEST(Sequences, WhatMayBeInTheLogIsUnknownWhenTheProducerWasForgotten) {
  Producer producer;
  producer.send({1});
  producer.delivered({1});
  producer.send({2});
  producer.send({3});
  producer.lost({2});
  producer.answered({3}, kForgotten);
  EXPECT_EQ(producer.told(), "2:unknown");
  EXPECT_EQ(producer.send({3}), "7/1@0");
}

TEST(Sequences, APartThatIsRefusedForAGapIsTriedOneByOne) {
  Producer producer;
  producer.send({1, 2});
  producer.lost({1, 2});
  producer.send({1, 2});
  producer.answered({1, 2}, kGap);
  ASSERT_TRUE(producer.sequences.next_again(kSlot));
  EXPECT_TRUE(producer.sequences.next_again(kSlot)->alone);
  producer.send({1});
  producer.answered({1}, kThere);
  EXPECT_EQ(producer.told(), "1:durable");
  EXPECT_EQ(producer.send({2}), "7/0@10");
}

TEST(Sequences, ABrokerThatMissesWhatWasAcknowledgedGetsANewEpoch) {
  Producer producer;
  producer.send({1});
  producer.delivered({1});
  producer.send({2});
  producer.answered({2}, kGap);
  EXPECT_EQ(producer.send({2}), "7/1@0");
}

TEST(Sequences, AFencedProducerEndsHonestly) {
  Producer producer(Naming::kNamed);
  producer.send({1});
  producer.send({2});
  producer.send({3});
  producer.lost({1});
  producer.answered({2}, kFenced);
  EXPECT_EQ(producer.told(), "1:unknown 2:not-written");
  EXPECT_FALSE(producer.new_ones());
  EXPECT_FALSE(producer.new_ones(kOther));
  EXPECT_FALSE(producer.sequences.wants_identity());
  producer.delivered({3});
  EXPECT_EQ(producer.told(), "");
  EXPECT_EQ(producer.sequences.open(kSlot), 0U);
}

TEST(Sequences, WhatIsUnderWayWhenItIsFencedIsToldWhenItEnds) {
  Producer producer(Naming::kNamed);
  producer.send({1});
  producer.sequences.fence(kFenced);
  EXPECT_EQ(producer.told(), "");
  producer.lost({1});
  EXPECT_EQ(producer.told(), "1:unknown");
}

// --- epochs

TEST(Sequences, ANamedProducerAsksForItsEpoch) {
  Producer producer(Naming::kNamed);
  producer.send({1});
  producer.answered({1}, kForgotten);
  EXPECT_TRUE(producer.sequences.wants_identity());
  EXPECT_EQ(producer.sequences.known(), (Identity{7, 0}));
  EXPECT_EQ(producer.again(), 0U);
  EXPECT_FALSE(producer.new_ones());
  EXPECT_TRUE(producer.new_ones(kOther)) << "where nobody has forgotten it";
  producer.sequences.identify({7, 0});
  EXPECT_TRUE(producer.sequences.wants_identity()) << "that was an old answer";
  producer.sequences.identify({7, 1});
  EXPECT_EQ(producer.send({1}), "7/1@0");
}

TEST(Sequences, BehindTheLastEpochComesANewNumber) {
  Producer producer;
  producer.sequences.identify({7, record::kMaxProducerEpoch});
  producer.send({1});
  producer.answered({1}, kForgotten);
  EXPECT_TRUE(producer.sequences.wants_identity());
  producer.sequences.identify({50, 0});
  EXPECT_EQ(producer.send({1}), "50/0@0");
}

TEST(Sequences, OtherPartitionsTakeTheNewEpochWhenNothingOfThemIsOpen) {
  Producer producer;
  producer.send({1}, kOther);
  producer.send({2});
  producer.answered({2}, kForgotten);
  EXPECT_EQ(producer.send({2}), "7/1@0");
  EXPECT_EQ(producer.send({3}, kOther), "7/0@10") << "its first one is numbered there";
  producer.delivered({1}, kOther);
  producer.delivered({3}, kOther);
  EXPECT_EQ(producer.send({4}, kOther), "7/1@0");
}

TEST(Sequences, TwoPartitionsThatHaveForgottenNeedOneEpoch) {
  Producer producer(Naming::kNamed);
  producer.send({1});
  producer.send({2}, kOther);
  producer.answered({1}, kForgotten);
  producer.sequences.identify({7, 1});
  producer.answered({2}, kForgotten, kOther);
  EXPECT_FALSE(producer.sequences.wants_identity());
  EXPECT_EQ(producer.send({2}, kOther), "7/1@0");
}

TEST(Sequences, ATopicThatWasMadeAnewIsAnotherLog) {
  Producer producer;
  producer.send({1});
  producer.delivered({1});
  producer.sequences.reset(kSlot);
  EXPECT_EQ(producer.send({2}), "7/0@0");
}

}  // namespace
}  // namespace penstock::client
