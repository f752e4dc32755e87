// What a producer sends when, what it tries again, and what it says became of each batch: told with
// virtual time.
#include "client/producer_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/batch_split.h"
#include "protocol/record/batch.h"
#include "protocol/record/record.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr BrokerId kBroker = 1;
constexpr BrokerId kOther = 2;

// A core, a clock, and one word for each thing that can happen.
class ProducerCoreTest : public testing::Test {
 protected:
  void open(ProducerConfig config = {}) {
    config_ = config;
    core_.emplace(config, Backoff(milliseconds(100), milliseconds(1'000)), Rng(1));
    for (Slot slot = 0; slot < 4; ++slot) lead(slot, kBroker);
  }
  void lead(Slot slot, BrokerId broker, std::uint8_t topic_id = 1) {
    Target target{.topic = "orders",
                  .id = {{}, PartitionId(static_cast<int>(slot))},
                  .leader = broker,
                  .leader_epoch = Term(broker)};
    target.id.topic.bytes[0] = static_cast<std::byte>(topic_id);
    core_->place(slot, target, now_);
  }
  // A batch with `records` records, known by the tag of its first one.
  void add(Slot slot, std::uint64_t tag, std::uint32_t records = 1, std::size_t value_bytes = 10) {
    record::BatchBuilder builder;
    Batch batch;
    for (std::uint32_t i = 0; i < records; ++i) {
      const std::string value(value_bytes, static_cast<char>('a' + i % 26));
      builder.append(Timestamp(1), std::nullopt, as_bytes(value));
      batch.ledger.tags.push_back(tag + i);
    }
    batch.id = tag;
    batch.slot = slot;
    batch.records = records;
    batch.bytes = SharedBytes(*builder.build());
    batch.created = now_;
    batch.memory_bytes = batch.bytes.size();
    added_bytes_ += batch.memory_bytes;
    core_->add(std::move(batch));
  }
  // The next request as text, "slot:records+records slot:...", or "nothing".
  std::string send(BrokerId broker = kBroker, std::size_t max_bytes = 1U << 20) {
    auto call = core_->next_call(broker, max_bytes, now_);
    if (!call) return "nothing";
    std::string text;
    for (const ProduceCall::Part& part : call->parts) {
      text += (text.empty() ? "" : " ") + std::to_string(part.slot) + ":";
      for (std::size_t i = 0; i < part.batches.size(); ++i) {
        const auto view = record::BatchView::parse(part.batches[i].view());
        text += (i == 0 ? "" : "+") + std::to_string(view->record_count());
      }
    }
    last_call_ = call->id;
    calls_[call->id] = *std::move(call);
    return text;
  }
  void acknowledge(std::int64_t base = 0) {
    std::vector<PartAnswer> answers;
    for (const ProduceCall::Part& part : calls_[last_call_].parts) {
      std::int64_t records = 0;
      for (const SharedBytes& batch : part.batches) {
        records += record::BatchView::parse(batch.view())->record_count();
      }
      answers.push_back({.error = {},
                         .base_offset = Offset(base),
                         .last_offset = Offset(base + records - 1),
                         .receipt = {.replicas_fsynced = 1, .replicas_written = 1, .replicas = 1}});
    }
    core_->on_answer(last_call_, answers, now_);
  }
  void refuse(Errc code) {
    const std::vector<PartAnswer> answers(calls_[last_call_].parts.size(),
                                          PartAnswer{Error(code), {}, {}, {}});
    core_->on_answer(last_call_, answers, now_);
  }
  void lose(Errc code = Errc::kConnectionLost, Stage stage = Stage::kSent) {
    core_->on_failure(last_call_, Error(code), stage, now_);
  }
  void pass(int ms) {
    now_ += milliseconds(ms);
    core_->tick(now_);
  }
  // Outcomes so far: "tag@offset", "tag failed Code" or "tag unknown Code".
  std::vector<std::string> outcomes() {
    std::vector<std::string> texts;
    for (const BatchOutcome& outcome : core_->take_outcomes()) {
      const std::string tag = std::to_string(outcome.ledger.tags.front());
      if (!outcome.error) {
        texts.push_back(tag + "@" + std::to_string(outcome.base_offset.value()));
      } else {
        const bool certain = outcome.error->outcome() == Outcome::kNotDone;
        texts.push_back(tag + (certain ? " failed " : " unknown ") +
                        std::string(info(outcome.error->code()).name));
        last_message_ = outcome.error->message();
      }
    }
    released_bytes_ += core_->take_released_bytes();
    return texts;
  }

  ProducerConfig config_;
  std::optional<ProducerCore> core_;
  Instant now_{std::chrono::hours(1)};
  std::map<std::uint64_t, ProduceCall> calls_;
  std::uint64_t last_call_ = 0;
  std::size_t added_bytes_ = 0;
  std::size_t released_bytes_ = 0;
  std::string last_message_;
};

TEST_F(ProducerCoreTest, BatchesOfSeveralPartitionsShareARequest) {
  open();
  add(0, 10, 3);
  add(1, 20, 2);
  add(0, 11, 1);
  EXPECT_EQ(send(), "0:3+1 1:2");
  acknowledge(100);
  EXPECT_THAT(outcomes(), ElementsAre("10@100", "11@103", "20@100"));
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerCoreTest, WhileARequestOfAPartitionIsUnderWayTheNextOneWaits) {
  open();
  add(0, 10);
  EXPECT_EQ(send(), "0:1");
  add(0, 11, 2);
  EXPECT_FALSE(core_->is_sendable(0, now_));
  EXPECT_EQ(send(), "nothing");
  add(1, 20);
  EXPECT_TRUE(core_->is_sendable(1, now_));
  EXPECT_EQ(send(), "1:1") << "other partitions go on";
}

TEST_F(ProducerCoreTest, ARetryIsNotOvertaken) {
  open();
  add(0, 10);
  send();
  add(0, 11);
  refuse(Errc::kOverloaded);
  EXPECT_EQ(send(), "nothing") << "not before the pause is over";
  EXPECT_GT(core_->next_deadline(now_), now_);
  now_ = core_->next_deadline(now_);
  EXPECT_EQ(send(), "0:1+1");
  acknowledge(5);
  EXPECT_THAT(outcomes(), ElementsAre("10@5", "11@6"));
  EXPECT_EQ(core_->retries(), 1U);
}

TEST_F(ProducerCoreTest, PausesGrowWithEveryFailureInARow) {
  open();
  add(0, 10);
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(send(), "0:1");
    refuse(Errc::kDiskFull);
    const Instant next = core_->next_deadline(now_);
    pauses.push_back(std::chrono::duration_cast<milliseconds>(next - now_).count());
    now_ = next;
  }
  EXPECT_GE(pauses[4], 500);
  EXPECT_LE(pauses[0], 100);
}

TEST_F(ProducerCoreTest, OnePartitionsFailureIsNotAnothers) {
  open();
  add(0, 10);
  add(1, 20);
  ASSERT_EQ(send(), "0:1 1:1");
  const std::vector<PartAnswer> answers = {
      {.error = Error(Errc::kPartitionDamaged),
       .base_offset = {},
       .last_offset = {},
       .receipt = {}},
      {.error = {}, .base_offset = Offset(7), .last_offset = Offset(7), .receipt = {}}};
  core_->on_answer(last_call_, answers, now_);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed PartitionDamaged", "20@7"));
}

TEST_F(ProducerCoreTest, ABrokerHasNoMoreRequestsUnderWayThanAllowed) {
  open({.max_in_flight_requests = 2});
  add(0, 10);
  EXPECT_EQ(send(), "0:1");
  add(1, 20);
  EXPECT_EQ(send(), "1:1");
  add(2, 30);
  EXPECT_FALSE(core_->is_sendable(2, now_));
  EXPECT_EQ(send(), "nothing");
  acknowledge();
  EXPECT_EQ(send(), "2:1");
}

TEST_F(ProducerCoreTest, ARequestHoldsNoMoreBytesThanAllowed) {
  open({.max_request_bytes = 1'000});
  add(0, 10, 1, 600);
  add(0, 11, 1, 600);
  add(1, 20, 1, 200);
  EXPECT_EQ(send(), "0:1 1:1");
  acknowledge();
  EXPECT_EQ(send(), "0:1");
}

TEST_F(ProducerCoreTest, ABatchLargerThanARequestTravelsAlone) {
  open({.max_request_bytes = 100});
  add(0, 10, 1, 600);
  add(1, 20, 1, 600);
  EXPECT_EQ(send(), "0:1");
  EXPECT_EQ(send(), "1:1");
}

TEST_F(ProducerCoreTest, PartitionsTakeTurnsWhenARequestIsFull) {
  open({.max_request_bytes = 700});
  for (int round = 0; round < 2; ++round) {
    for (Slot slot = 0; slot < 3; ++slot) add(slot, 10 * slot + 10, 1, 500);
  }
  std::string order;
  for (int i = 0; i < 6; ++i) {
    order += send() + " ";
    acknowledge();
  }
  EXPECT_EQ(order, "0:1 1:1 2:1 0:1 1:1 2:1 ");
}

TEST_F(ProducerCoreTest, EachBrokerGetsWhatItLeads) {
  open();
  lead(1, kOther);
  add(0, 10);
  add(1, 20);
  EXPECT_THAT(core_->brokers_with_work(now_), ElementsAre(kBroker, kOther));
  EXPECT_EQ(send(kOther), "1:1");
  EXPECT_EQ(send(kBroker), "0:1");
  EXPECT_THAT(core_->brokers_with_work(now_), IsEmpty());
}

TEST_F(ProducerCoreTest, ANewLeaderIsTriedAtOnce) {
  open();
  add(0, 10);
  send();
  refuse(Errc::kNotLeader);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  EXPECT_EQ(send(), "nothing");
  lead(0, kOther);
  EXPECT_EQ(send(kOther), "0:1");
}

TEST_F(ProducerCoreTest, APartitionWithoutALeaderWaitsAndSaysSoWhenItsTimeIsOver) {
  open({.delivery_timeout = milliseconds(1'000)});
  lead(0, kNoBroker);
  add(0, 10);
  EXPECT_EQ(send(), "nothing");
  EXPECT_EQ(core_->next_deadline(now_), now_ + milliseconds(1'000));
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed NotLeader"));
  EXPECT_THAT(last_message_, HasSubstr("no leader"));
}

TEST_F(ProducerCoreTest, WhatWasNeverSentFailsForCertainWhenItsTimeIsOver) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  core_->on_unreachable(kBroker, Error(Errc::kConnectFailed, "connection refused"));
  pass(999);
  EXPECT_THAT(outcomes(), IsEmpty());
  pass(1);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed ConnectFailed"));
  EXPECT_THAT(last_message_, HasSubstr("connection refused"));
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerCoreTest, WhatWasRefusedEachTimeFailsForCertain) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  refuse(Errc::kDiskFull);
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed DiskFull"));
}

TEST_F(ProducerCoreTest, WhatMayHaveBeenWrittenOnceStaysUnknownWhateverComesLater) {
  open({.delivery_timeout = milliseconds(10'000)});
  add(0, 10);
  send();
  lose();
  pass(1'000);
  EXPECT_EQ(send(), "0:1");
  refuse(Errc::kPartitionDamaged);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown ConnectionLost"));
  EXPECT_THAT(last_message_, HasSubstr("PartitionDamaged"));
}

TEST_F(ProducerCoreTest, ARequestThatNeverLeftLeavesNoDoubt) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  lose(Errc::kOverloaded, Stage::kNotSent);
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed Overloaded"));
}

TEST_F(ProducerCoreTest, ALostAnswerIsTriedAgainAndThenDelivered) {
  open();
  add(0, 10);
  send();
  lose();
  pass(1'000);
  EXPECT_EQ(send(), "0:1");
  acknowledge(4);
  EXPECT_THAT(outcomes(), ElementsAre("10@4"));
}

TEST_F(ProducerCoreTest, SilenceIsReportedInTimeAndMemoryIsFreedOnlyAtTheEndOfTheRequest) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown Timeout"));
  EXPECT_EQ(released_bytes_, 0U) << "the request still holds the bytes";
  add(0, 11);
  EXPECT_EQ(send(), "nothing") << "and the partition";
  acknowledge(4);
  EXPECT_THAT(outcomes(), IsEmpty()) << "an outcome is told once";
  EXPECT_EQ(send(), "0:1");
  acknowledge(5);
  outcomes();
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerCoreTest, WhatWasReportedIsNotSentAgain) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  pass(1'000);
  outcomes();
  lose(Errc::kTimeout);
  pass(5'000);
  EXPECT_EQ(send(), "nothing");
  outcomes();
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerCoreTest, OutcomesOfAPartitionKeepItsOrderWhenEverythingExpires) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10);
  send();
  add(0, 11);
  pass(1'000);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown Timeout", "11 failed Overloaded"));
}

TEST_F(ProducerCoreTest, AnAcknowledgementThatCannotBeIsNotBelieved) {
  open();
  add(0, 10, 3);
  send();
  const std::vector<PartAnswer> answers = {
      {.error = {}, .base_offset = Offset(7), .last_offset = Offset(7), .receipt = {}}};
  core_->on_answer(last_call_, answers, now_);
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown Internal"));
}

TEST_F(ProducerCoreTest, APartThatTheAnswerLeavesOutIsUnknown) {
  open();
  add(0, 10);
  add(1, 20);
  send();
  const std::vector<PartAnswer> answers = {
      {.error = {}, .base_offset = Offset(7), .last_offset = Offset(7), .receipt = {}}};
  core_->on_answer(last_call_, answers, now_);
  EXPECT_THAT(outcomes(), ElementsAre("10@7", "20 unknown Internal"));
}

TEST_F(ProducerCoreTest, AThrottlingBrokerIsLeftAlone) {
  open();
  core_->on_throttle(kBroker, now_ + milliseconds(300));
  add(0, 10);
  EXPECT_EQ(send(), "nothing");
  EXPECT_EQ(core_->next_deadline(now_), now_ + milliseconds(300));
  pass(300);
  EXPECT_EQ(send(), "0:1");
}

TEST_F(ProducerCoreTest, OneOfSeveralBatchesIsToBlameForTheirRequest) {
  open();
  add(0, 10);
  add(0, 11);
  add(0, 12);
  ASSERT_EQ(send(), "0:1+1+1");
  refuse(Errc::kBatchTooLarge);
  EXPECT_EQ(send(), "0:1");
  acknowledge(0);
  EXPECT_EQ(send(), "0:1");
  refuse(Errc::kBatchTooLarge);
  EXPECT_EQ(send(), "0:1");
  acknowledge(1);
  EXPECT_THAT(outcomes(), ElementsAre("10@0", "11 failed BatchTooLarge", "12@1"));
}

TEST_F(ProducerCoreTest, ABatchThatIsTooLargeIsTakenApart) {
  open();
  add(0, 10, 5);
  ASSERT_EQ(send(), "0:5");
  refuse(Errc::kBatchTooLarge);
  ASSERT_EQ(send(), "0:2");
  acknowledge(0);
  ASSERT_EQ(send(), "0:3");
  refuse(Errc::kBatchTooLarge);
  ASSERT_EQ(send(), "0:1");
  acknowledge(2);
  ASSERT_EQ(send(), "0:2");
  acknowledge(3);
  EXPECT_THAT(outcomes(), ElementsAre("10@0", "12@2", "13@3"));
  EXPECT_EQ(released_bytes_, added_bytes_);
}

TEST_F(ProducerCoreTest, TheOneRecordThatIsTooLargeFailsAlone) {
  open();
  add(0, 10, 4);
  send();
  refuse(Errc::kRecordTooLarge);
  ASSERT_EQ(send(), "0:2");
  refuse(Errc::kRecordTooLarge);
  ASSERT_EQ(send(), "0:1");
  acknowledge(0);
  ASSERT_EQ(send(), "0:1");
  refuse(Errc::kRecordTooLarge);
  ASSERT_EQ(send(), "0:2");
  acknowledge(1);
  EXPECT_THAT(outcomes(), ElementsAre("10@0", "11 failed RecordTooLarge", "12@1"));
}

TEST_F(ProducerCoreTest, RecordsForADeletedTopicFail) {
  open();
  add(0, 10);
  send();
  add(0, 11);
  refuse(Errc::kUnknownTopic);
  EXPECT_THAT(core_->take_stale_topics(), ElementsAre("orders"));
  EXPECT_THAT(outcomes(), IsEmpty()) << "the broker may not have heard of it yet";
  const Slot slots[] = {0};
  core_->remove(slots, Error(Errc::kUnknownTopic, "orders"));
  EXPECT_THAT(outcomes(), ElementsAre("10 failed UnknownTopic", "11 failed UnknownTopic"));
  add(0, 12);
  EXPECT_THAT(outcomes(), ElementsAre("12 failed UnknownTopic"));
  lead(0, kBroker, 2);
  add(0, 13);
  EXPECT_EQ(send(), "0:1") << "a new topic of that name";
}

TEST_F(ProducerCoreTest, RecordsForADeletedTopicDoNotEndUpInItsNamesake) {
  open();
  add(0, 10);
  lead(0, kBroker, 2);
  EXPECT_THAT(outcomes(), ElementsAre("10 failed UnknownTopic"));
  EXPECT_EQ(send(), "nothing");
}

TEST_F(ProducerCoreTest, ARequestUnderWayWhenItsTopicGoesIsNotRetried) {
  open();
  add(0, 10);
  send();
  const Slot slots[] = {0};
  core_->remove(slots, Error(Errc::kUnknownTopic, "orders"));
  lose();
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown ConnectionLost"));
}

TEST_F(ProducerCoreTest, AbortTellsTheTruthAboutEachBatch) {
  open();
  add(0, 10);
  send();
  lose();
  add(1, 20);
  ASSERT_EQ(send(), "1:1");
  add(2, 30);
  core_->abort(Error(Errc::kShuttingDown, "closed"));
  EXPECT_THAT(outcomes(), ElementsAre("10 unknown ConnectionLost", "30 failed ShuttingDown",
                                      "20 unknown Cancelled"));
  acknowledge(3);
  EXPECT_THAT(outcomes(), IsEmpty());
  EXPECT_EQ(released_bytes_, added_bytes_);
}

// The bytes of a request belong to whoever writes them until it is done: nothing that happens to
// the batch meanwhile may touch them.
TEST_F(ProducerCoreTest, BytesUnderWayOutliveTheBatchAndAreNeverReused) {
  open({.delivery_timeout = milliseconds(1'000)});
  add(0, 10, 1, 5'000);
  auto call = core_->next_call(kBroker, 1U << 20, now_);
  const SharedBytes being_written = call->parts[0].batches[0];
  const Bytes before(being_written.view().begin(), being_written.view().end());
  pass(1'000);
  core_->on_failure(call->id, Error(Errc::kTimeout), Stage::kSent, now_);
  call.reset();
  outcomes();
  EXPECT_EQ(released_bytes_, added_bytes_);
  for (std::uint64_t tag = 20; tag < 40; ++tag) add(1, tag, 1, 5'000);
  send();
  EXPECT_TRUE(equal(being_written.view(), before));
}

TEST(BatchSplitTest, HalvesHoldTheRecordsOfTheWholeInItsCodec) {
  for (const record::Codec codec : {record::Codec::kNone, record::Codec::kZstd}) {
    record::BatchBuilder builder({.codec = codec});
    Batch batch;
    const record::HeaderView headers[] = {{"h", as_bytes("v")}, {"null", std::nullopt}};
    for (std::uint32_t i = 0; i < 101; ++i) {
      const std::string value = std::to_string(i) + std::string(100, 'x');
      builder.append(Timestamp(1'000 + i), as_bytes("k"), as_bytes(value), headers);
      batch.ledger.tags.push_back(i);
    }
    batch.records = 101;
    batch.bytes = SharedBytes(*builder.build());
    batch.memory_bytes = 1'001;
    batch.doubt = Error(Errc::kTimeout);

    const auto halves = split(batch);
    ASSERT_TRUE(halves) << halves.error().to_string();
    const auto& [first, second] = *halves;
    EXPECT_EQ(first.records + second.records, 101U);
    EXPECT_EQ(first.memory_bytes + second.memory_bytes, 1'001U);
    EXPECT_TRUE(second.last_part && !first.last_part);
    EXPECT_TRUE(first.doubt && second.doubt);
    std::uint32_t i = 0;
    for (const Batch* half : {&first, &second}) {
      const auto view = record::BatchView::parse(half->bytes.view());
      ASSERT_TRUE(view && view->verify_crc());
      EXPECT_EQ(view->codec(), codec);
      auto records = *record::Records::open(*view);
      for (const std::uint64_t tag : half->ledger.tags) {
        const auto record = *records.next();
        EXPECT_EQ(tag, i);
        EXPECT_EQ(record->timestamp, Timestamp(1'000 + i));
        EXPECT_TRUE(as_text(*record->value).starts_with(std::to_string(i) + "x"));
        EXPECT_EQ(record->headers.size(), 2);
        ++i;
      }
    }
    EXPECT_EQ(i, 101U);
  }
}

}  // namespace
}  // namespace penstock::client
