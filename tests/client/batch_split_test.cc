// What is too large is taken apart until the one record to blame is found.
#include "client/batch_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/record/record.h"
#include "tests/client/producer_core_story.h"

namespace penstock::client {
namespace {

using testing::ElementsAre;

class BatchSplitTest : public ProducerCoreStory {};

TEST_F(BatchSplitTest, OneOfSeveralBatchesIsToBlameForTheirRequest) {
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

TEST_F(BatchSplitTest, ABatchThatIsTooLargeIsTakenApart) {
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

TEST_F(BatchSplitTest, TheOneRecordThatIsTooLargeFailsAlone) {
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

TEST_F(BatchSplitTest, HalvesHoldTheRecordsOfTheWholeInItsCodec) {
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
