#include <gtest/gtest.h>
#include <xxhash.h>

#include <set>

#include "base/coding.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

struct Sample {
  std::int64_t offset = 0;
  std::optional<std::string> key = {};
  std::optional<std::string> value = {};
  std::vector<std::pair<std::string, std::optional<std::string>>> headers = {};
  std::int64_t timestamp = 0;
  std::int32_t epoch = 0;
};

std::optional<ByteView> view(const std::optional<std::string>& text) {
  return text ? std::optional(as_bytes(*text)) : std::nullopt;
}

Hash128 hash(const Sample& sample) {
  std::vector<HeaderView> headers;
  for (const auto& [key, value] : sample.headers) headers.push_back({key, view(value)});
  const Bytes encoded = encode_headers(headers);
  return hash_record({.offset = Offset(sample.offset),
                      .timestamp = Timestamp(sample.timestamp),
                      .key = view(sample.key),
                      .value = view(sample.value),
                      .headers = HeadersView(static_cast<std::int32_t>(headers.size()), encoded)},
                     Term(sample.epoch));
}

// The bytes that are hashed, written down a second time, and hashed in one call.
Hash128 hash_by_definition(const Sample& sample) {
  Bytes bytes;
  const auto put = [&](auto value) {
    std::byte raw[sizeof value];
    store_le(raw, value);
    bytes.insert(bytes.end(), raw, raw + sizeof value);
  };
  const auto put_text = [&](const std::optional<std::string>& text) {
    put(text ? static_cast<std::int64_t>(text->size()) : std::int64_t{-1});
    const ByteView raw = text ? as_bytes(*text) : ByteView();
    bytes.insert(bytes.end(), raw.begin(), raw.end());
  };
  put(sample.offset);
  put(sample.epoch);
  put(sample.timestamp);
  put_text(sample.key);
  put_text(sample.value);
  put(static_cast<std::int32_t>(sample.headers.size()));
  for (const auto& [key, value] : sample.headers) {
    put_text(key);
    put_text(value);
  }
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {.low = hash.low64, .high = hash.high64};
}

// Sums of these are stored beside archived data: the value of a record may never change.
TEST(HashRecord, HasItsGoldenValue) {
  const Sample sample{.offset = 4096,
                      .key = "k1",
                      .value = "hello",
                      .headers = {{"h", "v"}, {"n", std::nullopt}},
                      .timestamp = 1'700'000'001'000,
                      .epoch = 7};
  EXPECT_EQ(hash(sample).to_string(), "9ca1c52bde44a5d3d61c5e0340cf8652");
  EXPECT_EQ(hash({}).to_string(), "8fa17cbf08ffa064e209eac921fbec29");
}

TEST(HashRecord, IsTheHashOfItsDefinitionAtEverySize) {
  Rng rng(1);
  for (std::size_t size = 0; size < 10'000; size += 1 + size / 7) {
    const std::string key(rng.below(50), 'k');
    Sample sample{.offset = static_cast<std::int64_t>(rng.next() >> 1),
                  .key = key,
                  .value = std::string(size, 'v'),
                  .headers = {{"h", std::string(size, 'w')}, {"n", std::nullopt}}};
    ASSERT_EQ(hash(sample), hash_by_definition(sample)) << size << " bytes";
  }
}

TEST(HashRecord, NoTwoRecordsShareAnEncoding) {
  const Sample samples[] = {
      {},
      {.offset = 1},
      {.timestamp = 1},
      {.epoch = 1},
      {.key = ""},
      {.value = ""},
      {.key = "", .value = ""},
      {.key = "ab", .value = "c"},
      {.key = "a", .value = "bc"},
      {.key = "abc"},
      {.value = "abc"},
      {.headers = {{"", std::nullopt}}},
      {.headers = {{"", ""}}},
      {.headers = {{"ab", "c"}}},
      {.headers = {{"a", "bc"}}},
      {.headers = {{"a", "b"}, {"c", "d"}}},
      {.headers = {{"c", "d"}, {"a", "b"}}},
      {.value = "a", .headers = {{"b", "c"}}},
      {.value = "ab", .headers = {{"", "c"}}},
  };
  std::set<std::string> hashes;
  for (const Sample& sample : samples) hashes.insert(hash(sample).to_string());
  EXPECT_EQ(hashes.size(), std::size(samples));
}

// Compression and the batch around it are not part of a record: its archived copy has neither.
TEST(HashRecord, IsTheSameWhateverTheBatch) {
  Rng rng(2);
  const std::vector<Record> records = random_records(rng, 50);
  const auto sum_of = [](const Bytes& batch) {
    Hash128 sum;
    auto iterator = Records::open(*BatchView::parse(batch));
    for (auto record = iterator->next(); record && *record; record = iterator->next()) {
      sum += hash_record(**record, Term(3));
    }
    return sum;
  };
  const Hash128 plain = sum_of(build_batch(records));
  for (const Codec codec : kAllCodecs) {
    EXPECT_EQ(sum_of(build_batch(records, {.codec = codec})), plain) << name(codec);
  }
}

TEST(Hash128, SumsDoNotDependOnTheOrder) {
  Rng rng(3);
  std::vector<Hash128> hashes(100);
  Hash128 forwards;
  for (Hash128& h : hashes) {
    h = {.low = rng.next(), .high = rng.next()};
    forwards += h;
  }
  Hash128 backwards;
  for (auto h = hashes.rbegin(); h != hashes.rend(); ++h) backwards += *h;
  EXPECT_EQ(forwards, backwards);
}

TEST(Hash128, AdditionCarriesFromTheLowHalfAndWrapsAtTheTop) {
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  Hash128 sum{.low = kAll, .high = 0};
  sum += {.low = 1, .high = 0};
  EXPECT_EQ(sum, (Hash128{.low = 0, .high = 1}));
  sum = {.low = kAll, .high = kAll};
  sum += {.low = 1, .high = 0};
  EXPECT_EQ(sum, Hash128{});
  sum = {.low = 5, .high = 1};
  sum += sum;
  EXPECT_EQ(sum, (Hash128{.low = 10, .high = 2}));
}

TEST(Hash128, HasATextForm) {
  const Hash128 hash{.low = 0x0123456789abcdef, .high = 0xfedcba9876543210};
  EXPECT_EQ(hash.to_string(), "fedcba98765432100123456789abcdef");
  EXPECT_EQ(Hash128::parse(hash.to_string()), hash);
  EXPECT_EQ(Hash128{}.to_string(), std::string(32, '0'));
  for (const char* wrong :
       {"", "0", "fedcba98765432100123456789abcde", "+edcba98765432100123456789abcdef",
        "fedcba98765432100123456789abcdef0", "fedcba987654321 0123456789abcdef",
        "0xdcba98765432100123456789abcdef", "ghdcba98765432100123456789abcdef"}) {
    EXPECT_EQ(Hash128::parse(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace penstock::record
