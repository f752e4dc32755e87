// The bytes of the node file: what every later release must read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/server/node_identity.h"

namespace penstock::broker {
namespace {

NodeIdentity identity() {
  return {.cluster_id = *Uuid::parse("000102030405060708090a0b0c0d0e0f"),
          .node_id = 1,
          .directory_id = *Uuid::parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")};
}

constexpr std::string_view kGolden =
    "penstock-node 1\n"
    "cluster_id 000102030405060708090a0b0c0d0e0f\n"
    "node_id 1\n"
    "directory_id f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\n"
    "crc32c 23247f20\n";

TEST(NodeIdentityGolden, BytesAreAsTheyAlwaysWere) {
  EXPECT_EQ(encode(identity()), kGolden);
  EXPECT_EQ(decode_node_identity(as_bytes(kGolden)), identity());
}

TEST(NodeIdentityGolden, EveryFlippedBitAndEveryTruncationIsSeen) {
  for (std::size_t bit = 0; bit < kGolden.size() * 8; ++bit) {
    std::string bad(kGolden);
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_node_identity(as_bytes(bad))) << "bit " << bit;
  }
  for (std::size_t size = 0; size < kGolden.size(); ++size) {
    EXPECT_FALSE(decode_node_identity(as_bytes(kGolden.substr(0, size)))) << size;
  }
  EXPECT_FALSE(decode_node_identity(as_bytes(std::string(kGolden) + "x")));
}

TEST(NodeIdentityGolden, ANewerFormatIsNamedAsSuch) {
  std::string newer(kGolden);
  newer.replace(newer.find(" 1\n"), 3, " 2\n");
  const auto decoded = decode_node_identity(as_bytes(newer));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code(), Errc::kUnsupportedVersion);
  EXPECT_THAT(decoded.error().message(), testing::HasSubstr("format version 2"));
}

}  // namespace
}  // namespace penstock::broker
