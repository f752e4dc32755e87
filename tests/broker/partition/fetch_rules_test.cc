#include "broker/partition/fetch_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/record/builder.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

TEST(FetchBudget, ThePartitionsShareTheRequestsLimit) {
  FetchBudget budget(100);
  EXPECT_EQ(budget.allowance(60), 60U);
  EXPECT_TRUE(budget.take(60));
  EXPECT_EQ(budget.allowance(60), 40U);
  EXPECT_TRUE(budget.take(40));
  EXPECT_EQ(budget.allowance(60), 0U);
  EXPECT_EQ(budget.taken(), 100U);
}

TEST(FetchBudget, TheFirstBatchComesWhateverItsSize) {
  FetchBudget budget(10);
  EXPECT_EQ(budget.allowance(1'000), 10U);
  EXPECT_TRUE(budget.take(5'000));
  EXPECT_EQ(budget.allowance(1'000), 0U);
}

TEST(FetchBudget, ALaterBatchThatDoesNotFitStaysOut) {
  FetchBudget budget(100);
  EXPECT_TRUE(budget.take(90));
  EXPECT_FALSE(budget.take(11));
  EXPECT_TRUE(budget.take(10));
}

TEST(FetchBudget, ALimitOfNothingStillReadsABatch) { EXPECT_EQ(FetchBudget(0).allowance(0), 1U); }

TEST(FetchBudget, TheBrokersOwnLimitHolds) {
  FetchBudget budget(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(budget.allowance(std::numeric_limits<std::uint64_t>::max()),
            FetchBudget::kMaxAnswerBytes);
}

TEST(FetchOrder, EveryTurnBeginsOnePartitionLater) {
  std::vector<std::size_t> order;
  for (std::size_t place = 0; place < 3; ++place) order.push_back(rotated(place, 7, 3));
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 0));
}

TEST(HeaderCrc, CoversTheFirst21BytesOfEveryBatch) {
  record::BatchBuilder builder;
  Bytes batches;
  Bytes prefixes;
  for (const char* value : {"a", "bb"}) {
    builder.append(Timestamp(1), std::nullopt, as_bytes(value));
    const Bytes batch = builder.build().value();
    batches.insert(batches.end(), batch.begin(), batch.end());
    prefixes.insert(prefixes.end(), batch.begin(), batch.begin() + 21);
  }
  EXPECT_EQ(header_crc(batches), record::crc32c(prefixes));
  EXPECT_EQ(header_crc({}), 0U);
}

}  // namespace
}  // namespace penstock::broker
