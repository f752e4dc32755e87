// A manifest is what a worker wrote, or it is refused.
#include "archiver/manifest.h"

#include <gmock/gmock.h>
#include <xxhash.h>

#include "base/random.h"
#include "tests/archiver/sample_manifest.h"

namespace penstock::archiver {
namespace {

using ::testing::HasSubstr;

std::string text_of(const Manifest& manifest) { return std::string(as_text(encode(manifest))); }

// Replaces text inside a manifest and gives it the checksum of its new content.
std::string forge(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const std::size_t end = text.rfind("\"checksum\"");
  const XXH128_hash_t hash = XXH3_128bits(text.data(), end);
  text.resize(end);
  return text + "\"checksum\": \"" +
         record::Hash128{.low = hash.low64, .high = hash.high64}.to_string() + "\"\n}\n";
}

Manifest any_manifest(Rng& rng) {
  Manifest manifest;
  manifest.topic = "t" + std::to_string(rng.below(100)) + "-._";
  manifest.topic_id = rng.uuid();
  manifest.partition = PartitionId(static_cast<std::int32_t>(rng.below(1U << 31)));
  manifest.generation = rng.next();
  manifest.start = Offset(static_cast<std::int64_t>(rng.below(1ULL << 40)));
  for (std::uint64_t left = rng.below(20); left > 0; --left) {
    const Offset base = manifest.end();
    const Offset end = base + 1 + static_cast<std::int64_t>(rng.below(1ULL << 30));
    const Timestamp now(static_cast<std::int64_t>(rng.next() >> 20));
    if (rng.one_in(5)) {
      manifest.lost.push_back({.base = base, .end = end, .noticed_at = now});
      continue;
    }
    ChunkEntry chunk{.object = manifest.topic + "/" + std::to_string(manifest.partition.value()) +
                               "/" + std::to_string(end.value()) + ".parquet",
                     .base = base,
                     .end = end,
                     .records = rng.below(static_cast<std::uint64_t>(end - base) + 1),
                     .min_timestamp = std::nullopt,
                     .max_timestamp = std::nullopt,
                     .hash_sum = {.low = rng.next(), .high = rng.next()},
                     .size_bytes = rng.next() >> 8,
                     .object_hash = {.low = rng.next(), .high = rng.next()},
                     .closed_at = now};
    if (chunk.records > 0) {
      chunk.min_timestamp = Timestamp(static_cast<std::int64_t>(rng.next()) / 4);
      chunk.max_timestamp = Timestamp(chunk.min_timestamp->ms() + 5);
    }
    manifest.chunks.push_back(std::move(chunk));
  }
  return manifest;
}

TEST(ManifestTest, WhatIsEncodedIsDecoded) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Rng rng(seed);
    const Manifest manifest = any_manifest(rng);
    const auto decoded = decode(encode(manifest));
    ASSERT_TRUE(decoded.has_value()) << "seed " << seed << ": " << decoded.error().to_string();
    EXPECT_EQ(*decoded, manifest) << "seed " << seed;
  }
}

TEST(ManifestTest, EveryFlippedBitAndEveryTruncationIsNoticed) {
  const Bytes good = encode(sample_manifest());
  std::size_t silent = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[i] ^= static_cast<std::byte>(1 << bit);
      silent += decode(bad).has_value() ? 1 : 0;
    }
    silent += decode(ByteView(good).first(i)).has_value() ? 1 : 0;
  }
  EXPECT_EQ(silent, 0U);
  std::printf("MANIFEST flips=%zu truncations=%zu silent=%zu\n", good.size() * 8, good.size(),
              silent);
}

TEST(ManifestTest, BytesBehindItAreNoticed) {
  Bytes longer = encode(sample_manifest());
  longer.push_back(std::byte{'\n'});
  EXPECT_FALSE(decode(longer).has_value());
}

TEST(ManifestTest, ItsRangesReachFromStartToEndWithoutGapOrOverlap) {
  EXPECT_EQ(sample_manifest().end(), Offset(161));
  EXPECT_TRUE(check(sample_manifest()));

  Manifest gap = sample_manifest();
  gap.lost.clear();
  EXPECT_THAT(check(gap).error().message(), HasSubstr("gap or overlap at offset 150"));

  Manifest overlap = sample_manifest();
  overlap.lost[0].end = Offset(161);
  EXPECT_FALSE(check(overlap));

  Manifest late = sample_manifest();
  late.start = Offset(99);
  EXPECT_FALSE(check(late));
}

TEST(ManifestTest, ContradictionsAreCorruptAlsoWithARightChecksum) {
  const std::string good = text_of(sample_manifest());
  const std::vector<std::pair<std::string, std::string>> forgeries{
      {"\"records\": 49", "\"records\": 51"},
      {"\"end\": 150", "\"end\": 151"},
      {"\"end\": 161,", "\"end\": 162,"},
      {"\"base\": 100", "\"base\": \"100\""},
      {"\"records\": 49", "\"records\": -1"},
      {"\"records\": 49, ", ""},
      {"\"min_timestamp_ms\": -1", "\"min_timestamp_ms\": null"},
      {"\"topic\": \"orders\"", "\"topic\": \"../etc\""},
      {"orders/3/2024/05/17/09", "orders/3/../../other"},
      {"orders/3/2024/05/17/09", "other/3/2024/05/17/09"},
      {"\"partition\": 3", "\"partition\": 4294967299"},
      {"\"format\": \"penstock", "\"format\": \"another"},
      {"\"lost\": [", "\"lost\": [1,"},
      {"\"chunks\": [", "\"chunks\": {"},
  };
  for (const auto& [from, to] : forgeries) {
    const auto decoded = decode(as_bytes(forge(good, from, to)));
    ASSERT_FALSE(decoded.has_value()) << to;
    EXPECT_EQ(decoded.error().code(), Errc::kCorrupt) << to;
  }
}

TEST(ManifestTest, ALaterFormatIsToldFromDamage) {
  const auto later =
      decode(as_bytes(forge(text_of(sample_manifest()), "\"version\": 1", "\"version\": 2")));
  EXPECT_EQ(later.error().code(), Errc::kUnsupportedVersion);
}

TEST(ManifestTest, ItsNameTellsTopicAndPartition) {
  EXPECT_EQ(manifest_name("orders", PartitionId(3)), "orders/3/manifest.json");
  const auto parsed = parse_manifest_name("orders/3/manifest.json");
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->topic, "orders");
  EXPECT_EQ(parsed->partition, PartitionId(3));
  for (const char* other : {"manifest.json", "orders/manifest.json", "orders/x/manifest.json",
                            "orders/-1/manifest.json", "orders/03/manifest.json",
                            "a/b/3/manifest.json", "orders/3/other"}) {
    EXPECT_FALSE(parse_manifest_name(other)) << other;
  }
}

}  // namespace
}  // namespace penstock::archiver
