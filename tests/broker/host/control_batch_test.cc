// Control batches: what comes back out, and what is refused.
#include "broker/host/control_batch.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "broker/host/limits.h"
#include "protocol/record/builder.h"
#include "tests/broker/host/nodes.h"

namespace penstock::broker {
namespace {

constexpr Timestamp kNow(1'700'000'000'000);

record::BatchView view(const Bytes& bytes) { return *record::BatchView::parse(bytes); }

Bytes key(std::int16_t version, std::int16_t type) {
  Bytes bytes(4);
  store_be(bytes.data(), version);
  store_be(bytes.data() + 2, type);
  return bytes;
}

Bytes control(const std::optional<Bytes>& key, const std::optional<Bytes>& value, int records = 1) {
  record::BatchBuilder builder({.control = true});
  const auto as_view = [](const std::optional<Bytes>& bytes) {
    return bytes ? std::optional<ByteView>(*bytes) : std::nullopt;
  };
  for (int i = 0; i < records; ++i) builder.append(kNow, as_view(key), as_view(value));
  return *builder.build();
}

Errc error_of(const Bytes& batch) {
  const auto found = membership_in(view(batch));
  return found ? Errc::kOk : found.error().code();
}

TEST(ControlBatch, AMembershipComesBackAsItWentIn) {
  for (const raft::Membership& membership :
       {voters({1}), voters({0, 1, 2147483647}),
        raft::Membership{nodes({1, 2, 3}), nodes({2, 3, 4}), nodes({4, 5})}}) {
    const Bytes batch = make_membership_batch(membership, kNow);
    EXPECT_TRUE(view(batch).is_control());
    EXPECT_EQ(view(batch).end_offset() - view(batch).base_offset(), 1);
    EXPECT_EQ(membership_in(view(batch)), membership);
  }
}

TEST(ControlBatch, ATermOpeningIsAControlBatchWithoutAMembership) {
  const Bytes batch = make_term_opening(kNow);
  EXPECT_TRUE(view(batch).is_control());
  EXPECT_EQ(view(batch).end_offset() - view(batch).base_offset(), 1);
  EXPECT_EQ(membership_in(view(batch)), std::nullopt);
}

TEST(ControlBatch, RecordsOfProducersAreNoMembershipsWhateverTheySay) {
  record::BatchBuilder builder;
  builder.append(kNow, ByteView(key(0, 101)), ByteView(encode_membership(voters({9}))));
  const Bytes batch = *builder.build();
  EXPECT_EQ(membership_in(view(batch)), std::nullopt);
}

TEST(ControlBatch, TypesOfOtherReleasesAreSteppedOver) {
  EXPECT_EQ(error_of(control(key(0, 0), Bytes(6))), Errc::kOk);
  EXPECT_EQ(error_of(control(key(3, 102), std::nullopt, 3)), Errc::kOk);
}

TEST(ControlBatch, AMembershipThatIsNotUnderstoodIsNeverSteppedOver) {
  const Bytes value = encode_membership(voters({1, 2, 3}));
  EXPECT_EQ(error_of(control(key(0, 101), value)), Errc::kOk);
  EXPECT_EQ(error_of(control(key(1, 101), value)), Errc::kInvalidBatch) << "another version";
  EXPECT_EQ(error_of(control(key(0, 101), std::nullopt)), Errc::kInvalidBatch) << "no value";
  EXPECT_EQ(error_of(control(key(0, 101), value, 2)), Errc::kInvalidBatch) << "two records";
  EXPECT_EQ(error_of(control(std::nullopt, value)), Errc::kInvalidBatch) << "no key";
  EXPECT_EQ(error_of(control(Bytes(3), value)), Errc::kInvalidBatch) << "a short key";
}

TEST(ControlBatch, ACompressedControlBatchIsRefused) {
  record::BatchBuilder builder({.codec = record::Codec::kZstd, .control = true});
  const Bytes large(4096);
  builder.append(kNow, ByteView(key(0, 101)), ByteView(large));
  const Bytes batch = *builder.build();
  ASSERT_NE(view(batch).codec(), record::Codec::kNone);
  EXPECT_EQ(error_of(batch), Errc::kInvalidBatch);
}

TEST(Membership, EveryTruncationOfItsBytesIsRefused) {
  const raft::Membership membership{nodes({1, 2, 3}), nodes({2, 3, 4}), nodes({4, 5})};
  const Bytes whole = encode_membership(membership);
  ASSERT_EQ(decode_membership(whole), membership);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_membership(ByteView(whole).first(size))) << size;
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_membership(longer));
}

TEST(Membership, NonsenseIsRefused) {
  EXPECT_FALSE(decode_membership(encode_membership({}))) << "nobody votes";
  EXPECT_FALSE(decode_membership(encode_membership(voters({2, 1})))) << "not sorted";
  EXPECT_FALSE(decode_membership(encode_membership(voters({1, 1})))) << "twice";
  EXPECT_FALSE(decode_membership(encode_membership(voters({-1})))) << "nobody";
  EXPECT_FALSE(decode_membership(encode_membership({nodes({1, 2}), {}, nodes({2})})))
      << "votes and learns";
  Bytes huge;
  for (int i = 0; i < 9; ++i) huge.push_back(std::byte{0xff});
  huge.push_back(std::byte{1});
  EXPECT_FALSE(decode_membership(huge)) << "a count of 2^64 - 1";
}

TEST(Membership, TheLargestListIsReadAndOneMoreIsNot) {
  raft::Membership membership;
  for (std::size_t i = 0; i < kMaxMembers; ++i) {
    membership.voters.emplace_back(static_cast<std::int32_t>(i));
  }
  Bytes bytes = encode_membership(membership);
  EXPECT_EQ(decode_membership(bytes), membership);
  // 128 takes two bytes of varint, and so does 129.
  bytes[0] = std::byte{0x81};
  bytes.insert(bytes.begin() + 2 + 4 * 128,
               {std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0}});
  EXPECT_FALSE(decode_membership(bytes));
}

}  // namespace
}  // namespace penstock::broker
