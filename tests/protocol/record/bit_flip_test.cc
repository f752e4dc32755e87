// One flipped bit anywhere in a batch: noticed, or in the two fields that a batch's own checksum
// leaves to its keeper.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

// Base offset and leader epoch: the broker writes them, so the producer's checksum leaves them out.
bool is_outside_crc(std::size_t byte) { return byte < 8 || (byte >= 12 && byte < 16); }

struct Tally {
  std::size_t bits = 0;
  std::size_t detected = 0;
  std::size_t outside_crc = 0;
  std::size_t silent = 0;
};

Bytes sample_batch(Codec codec, std::uint64_t seed, int record_count) {
  Rng rng(seed);
  std::vector<Record> records;
  for (int i = 0; i < record_count; ++i) records.push_back(random_record(rng));
  Bytes batch = build_batch(records, {.codec = codec});
  EXPECT_EQ(BatchView::parse(batch)->codec(), codec) << "the sample must be worth compressing";
  return batch;
}

void flip_each_bit(const Bytes& batch, Tally& tally) {
  const std::vector<Record> original = read_back(batch)->records;
  for (std::size_t bit = 0; bit < batch.size() * 8; ++bit) {
    Bytes flipped = batch;
    flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const Result<ReadBack> back = read_back(flipped);
    ++tally.bits;
    if (!back) {
      ++tally.detected;
    } else if (is_outside_crc(bit / 8) && back->records == original) {
      ++tally.outside_crc;
    } else {
      ++tally.silent;
      ADD_FAILURE() << "bit " << bit % 8 << " of byte " << bit / 8 << " was flipped unnoticed";
    }
  }
}

TEST(BitFlip, IsDetectedEverywhereBehindTheUncheckedFields) {
  Tally tally;
  for (const Codec codec : kAllCodecs) {
    SCOPED_TRACE(name(codec));
    // Somewhere behind offset 0, in a term: neither field has only zero bits.
    Bytes batch = sample_batch(codec, 21, 40);
    assign_position(batch, Offset(123'456'789), Term(42));
    flip_each_bit(batch, tally);
  }
  std::printf("BATCHFLIP bits=%zu detected=%zu outside_crc=%zu silent=%zu\n", tally.bits,
              tally.detected, tally.outside_crc, tally.silent);
  EXPECT_EQ(tally.bits, tally.detected + tally.outside_crc);
  // All bits of both fields but the sign of the base offset, which no batch may have.
  EXPECT_EQ(tally.outside_crc, std::size(kAllCodecs) * (64 + 32 - 1));
}

// A producer that is wrong or hostile makes the checksum fit. Then only structure can be checked:
// what comes out is an error or some records, within the limits. Sanitizers watch this test.
TEST(BitFlip, WithAMatchingChecksumIsReadWithinBounds) {
  std::size_t refused = 0;
  std::size_t read = 0;
  for (const Codec codec : kAllCodecs) {
    const Bytes batch = sample_batch(codec, 22, 12);
    for (std::size_t bit = kUncheckedPrefixSize * 8; bit < batch.size() * 8; ++bit) {
      Bytes flipped = batch;
      flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      reseal(flipped);
      const Result<ReadBack> back = read_back(flipped);
      back ? ++read : ++refused;
      if (back) {
        ASSERT_LE(back->records.size(), batch.size() * 100);
      }
    }
  }
  std::printf("BATCHFLIP_RESEALED refused=%zu read=%zu\n", refused, read);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace penstock::record
