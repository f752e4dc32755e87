#include "bench/arrivals.h"

#include <gtest/gtest.h>

#include "bench/load_stamp.h"

namespace penstock::bench {
namespace {

TEST(Stamp, IsReadBackAsItWasWritten) {
  Bytes record(64, std::byte{0x77});
  const Stamp stamp{.run = 0x0123456789abcdef,
                    .due_ns = 42'000'000'001,
                    .producer = 63,
                    .number = (std::uint64_t{1} << 48) - 1};
  stamp.write(record);
  const auto read = Stamp::read(record);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->run, stamp.run);
  EXPECT_EQ(read->due_ns, stamp.due_ns);
  EXPECT_EQ(read->producer, stamp.producer);
  EXPECT_EQ(read->number, stamp.number);
  EXPECT_EQ(record[kMinStampedRecordBytes], std::byte{0x77}) << "nothing behind it is touched";
}

TEST(Stamp, ARecordThatIsTooShortHoldsNone) {
  EXPECT_FALSE(Stamp::read(Bytes(kMinStampedRecordBytes - 1)));
}

TEST(Arrivals, EveryRecordOnceAndInOrderIsAccepted) {
  Arrivals arrivals;
  // One producer's numbers spread over two partitions: gaps within a partition are as it should be.
  EXPECT_TRUE(arrivals.add(PartitionId(0), 0, 0));
  EXPECT_TRUE(arrivals.add(PartitionId(1), 0, 1));
  EXPECT_TRUE(arrivals.add(PartitionId(1), 0, 2));
  EXPECT_TRUE(arrivals.add(PartitionId(0), 0, 3));
  // Another producer counts for itself.
  EXPECT_TRUE(arrivals.add(PartitionId(0), 1, 0));
  EXPECT_EQ(arrivals.accepted(), 5U);
  EXPECT_EQ(arrivals.repeated(), 0U);
}

TEST(Arrivals, ARepeatedRecordDoesNotHideALostOne) {
  Arrivals arrivals;
  EXPECT_TRUE(arrivals.add(PartitionId(0), 0, 0));
  EXPECT_FALSE(arrivals.add(PartitionId(0), 0, 0));
  EXPECT_TRUE(arrivals.add(PartitionId(0), 0, 2));
  EXPECT_EQ(arrivals.accepted(), 2U) << "three were sent: one is missing";
  EXPECT_EQ(arrivals.repeated(), 1U);
}

TEST(Arrivals, ARecordThatComesBehindALaterOneIsSeen) {
  Arrivals arrivals;
  EXPECT_TRUE(arrivals.add(PartitionId(0), 0, 5));
  EXPECT_FALSE(arrivals.add(PartitionId(0), 0, 4));
  EXPECT_EQ(arrivals.repeated(), 1U);
}

}  // namespace
}  // namespace penstock::bench
