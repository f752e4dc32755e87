// What a run of stored batches looks like to consensus.
#include "broker/host/peer_message.h"

#include <gtest/gtest.h>

#include "broker/host/control_batch.h"
#include "broker/host/limits.h"
#include "protocol/record/builder.h"
#include "tests/broker/host/nodes.h"

namespace penstock::broker {
namespace {

constexpr Timestamp kNow(1'700'000'000'000);

// Batches one behind the other, as they lie in a log.
struct Stored {
  Bytes bytes;
  Offset end;

  explicit Stored(Offset begin) : end(begin) {}
  Stored& add(Bytes batch, Term term) {
    record::assign_position(batch, end, term);
    end = record::BatchView::parse(batch)->end_offset();
    bytes.insert(bytes.end(), batch.begin(), batch.end());
    return *this;
  }
  Stored& records(int count, Term term) {
    record::BatchBuilder builder;
    for (int i = 0; i < count; ++i) builder.append(kNow, std::nullopt, as_bytes("some value"));
    return add(*builder.build(), term);
  }
};

Errc error_of(ByteView bytes, Offset begin) {
  const auto range = describe_batches(bytes, begin, Checksums::kVerify);
  return range ? Errc::kOk : range.error().code();
}

TEST(DescribeBatches, RunsAndMembershipsAreFound) {
  Stored stored(Offset(10));
  stored.records(3, Term(2)).records(1, Term(2));
  stored.add(make_term_opening(kNow), Term(4));
  stored.add(make_membership_batch(voters({1, 2}), kNow), Term(4)).records(5, Term(4));
  const auto range = describe_batches(stored.bytes, Offset(10), Checksums::kVerify);
  ASSERT_TRUE(range) << range.error().to_string();
  const raft::EntryRange expected{
      .begin = Offset(10),
      .end = Offset(21),
      .runs = {{Term(2), Offset(10)}, {Term(4), Offset(14)}},
      .memberships = {{Offset(15), voters({1, 2})}},
      .bytes = stored.bytes.size(),
  };
  EXPECT_EQ(*range, expected);
}

TEST(DescribeBatches, NoBytesAreAnEmptyRange) {
  const auto range = describe_batches({}, Offset(7), Checksums::kVerify);
  ASSERT_TRUE(range);
  EXPECT_TRUE(range->empty());
  EXPECT_TRUE(range->runs.empty());
}

TEST(DescribeBatches, APlaceThatIsNotTheirsIsRefused) {
  const Stored stored = Stored(Offset(10)).records(3, Term(2));
  EXPECT_EQ(error_of(stored.bytes, Offset(10)), Errc::kOk);
  EXPECT_EQ(error_of(stored.bytes, Offset(9)), Errc::kInvalidBatch);
  EXPECT_EQ(error_of(stored.bytes, Offset(11)), Errc::kInvalidBatch);
  EXPECT_EQ(error_of(stored.bytes, Offset(-1)), Errc::kInvalidBatch);
  const Stored far = Stored(Offset(kMaxOffset)).records(1, Term(2));
  EXPECT_EQ(error_of(far.bytes, Offset(kMaxOffset)), Errc::kInvalidBatch);
}

TEST(DescribeBatches, TermsThatGoBackOrAreMissingAreRefused) {
  EXPECT_EQ(error_of(Stored(Offset(0)).records(1, Term(3)).records(1, Term(2)).bytes, Offset(0)),
            Errc::kInvalidBatch);
  EXPECT_EQ(error_of(Stored(Offset(0)).records(1, Term(-1)).bytes, Offset(0)), Errc::kInvalidBatch);
}

TEST(DescribeBatches, AGapBetweenBatchesIsRefused) {
  Stored stored = Stored(Offset(0)).records(2, Term(1));
  stored.end = stored.end + 1;
  EXPECT_EQ(error_of(stored.records(2, Term(1)).bytes, Offset(0)), Errc::kInvalidBatch);
}

TEST(DescribeBatches, EveryTruncationIsRefusedOrEndsAtABatch) {
  Stored stored(Offset(0));
  stored.records(2, Term(1));
  const std::size_t first = stored.bytes.size();
  stored.add(make_membership_batch(voters({1, 2, 3}), kNow), Term(1));
  for (std::size_t size = 0; size < stored.bytes.size(); ++size) {
    const bool boundary = size == 0 || size == first;
    EXPECT_EQ(error_of(ByteView(stored.bytes).first(size), Offset(0)) == Errc::kOk, boundary)
        << size;
  }
}

// Whatever bit flips on the way, either it is refused, or it is the term, which the message says
// too.
TEST(DescribeBatches, EveryFlippedBitIsSeenHereOrByComparingTerms) {
  Stored stored(Offset(5));
  stored.records(2, Term(1)).add(make_membership_batch(voters({1, 2, 3}), kNow), Term(1));
  const auto original = describe_batches(stored.bytes, Offset(5), Checksums::kVerify);
  ASSERT_TRUE(original);
  int unseen = 0;
  for (std::size_t bit = 0; bit < stored.bytes.size() * 8; ++bit) {
    Bytes bad = stored.bytes;
    bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const auto range = describe_batches(bad, Offset(5), Checksums::kVerify);
    if (range && *range == *original) ++unseen;
  }
  EXPECT_EQ(unseen, 0);
}

TEST(DescribeBatches, ChecksumsThatWereVerifiedAreNotComputedAgain) {
  Stored stored = Stored(Offset(0)).records(1, Term(1));
  stored.bytes.back() ^= std::byte{1};
  EXPECT_EQ(error_of(stored.bytes, Offset(0)), Errc::kBadChecksum);
  EXPECT_TRUE(describe_batches(stored.bytes, Offset(0), Checksums::kAlreadyVerified));
}

}  // namespace
}  // namespace penstock::broker
