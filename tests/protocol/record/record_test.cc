// Iteration over the records of a batch, above all over those that a wrong or hostile producer
// made.
#include "protocol/record/record.h"

#include <gtest/gtest.h>

#include "base/coding.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

// Writes records byte by byte, free to write them wrong.
class Scribe {
 public:
  Scribe& varint(std::int64_t value) {
    std::byte raw[kMaxVarintBytes];
    bytes_.insert(bytes_.end(), raw, write_zigzag(raw, value));
    return *this;
  }
  Scribe& raw(std::initializer_list<int> values) {
    for (const int value : values) bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }
  // A string behind its length.
  Scribe& text(std::string_view text) {
    varint(std::ssize(text));
    const ByteView view = as_bytes(text);
    bytes_.insert(bytes_.end(), view.begin(), view.end());
    return *this;
  }
  // `body` behind its length.
  Scribe& record(const Scribe& body) { return text(as_text(body.bytes_)); }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

// Attributes, timestamp delta 0 and the given offset delta: how a record begins behind its length.
Scribe record_at(std::int64_t offset_delta) {
  return Scribe().raw({0}).varint(0).varint(offset_delta);
}
// A whole one: null key, value "v", no headers.
Scribe plain_record_at(std::int64_t offset_delta) {
  return record_at(offset_delta).varint(-1).text("v").varint(0);
}

// A batch whose header is fine and whose records are `records`.
Bytes batch_of(const Scribe& records, std::int32_t count, std::int32_t last_offset_delta) {
  Bytes batch =
      build_batch({Record{.key = {}, .value = {}, .timestamp = Timestamp(1), .headers = {}}});
  batch.resize(kHeaderSize);
  store_be(batch.data() + 23, last_offset_delta);
  store_be(batch.data() + 57, count);
  batch.insert(batch.end(), records.bytes().begin(), records.bytes().end());
  reseal(batch);
  return batch;
}

struct Malformed {
  const char* what;
  Scribe records;
  std::int32_t count = 1;
  std::int32_t last_offset_delta = 1;
};

TEST(Records, RefuseWhatIsNoRecord) {
  // Enough bytes for the header's claim, so that it is the record that is judged.
  const Malformed cases[] = {
      {"a length past the end", Scribe().varint(100).raw({0, 0, 0, 1, 1, 0, 0})},
      {"a negative length", Scribe().varint(-1).raw({0, 0, 0, 1, 1, 0, 0})},
      {"a length of zero", Scribe().varint(0).raw({0, 0, 0, 1, 1, 0, 0})},
      {"a length that cuts its record short", Scribe().varint(4).raw({0, 0, 0, 1, 1, 0})},
      {"a length of eleven varint bytes",
       Scribe().raw({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00})},
      {"bytes behind the headers",
       Scribe().record(record_at(0).varint(-1).text("v").varint(0).raw({0}))},
      {"a key length of -2", Scribe().record(record_at(0).varint(-2).text("v").varint(0))},
      {"a key longer than the record",
       Scribe().record(record_at(0).varint(50).text("v").varint(0))},
      {"a key of 2^62 bytes",
       Scribe().record(record_at(0).varint(std::int64_t{1} << 62).text("v").varint(0))},
      {"a value length of -2",
       Scribe().record(record_at(0).varint(-1).varint(-2).varint(0).raw({0, 0}))},
      {"a value longer than the record",
       Scribe().record(record_at(0).varint(-1).varint(50).varint(0))},
      {"no header count", Scribe().record(record_at(0).varint(-1).text("vv"))},
      {"a negative header count", Scribe().record(record_at(0).varint(-1).text("v").varint(-1))},
      {"more headers than bytes",
       Scribe().record(record_at(0).varint(-1).text("v").varint(2).raw({0, 1}))},
      {"2^31 headers",
       Scribe().record(
           record_at(0).varint(-1).text("v").varint(std::int64_t{1} << 31).raw({0, 1}))},
      {"a header with a null key",
       Scribe().record(record_at(0).varint(-1).text("v").varint(1).varint(-1).varint(-1))},
      {"a header value length of -2",
       Scribe().record(record_at(0).varint(-1).text("v").varint(1).text("h").varint(-2))},
      {"a negative offset delta", Scribe().record(plain_record_at(-1))},
      {"an offset delta behind the batch's last", Scribe().record(plain_record_at(2))},
      {"two records at one offset", Scribe().record(plain_record_at(1)).record(plain_record_at(1)),
       2, 5},
      {"offsets that fall", Scribe().record(plain_record_at(2)).record(plain_record_at(1)), 2, 5},
      {"fewer records than counted",
       Scribe().record(record_at(0).text("long key").text("v").varint(0)), 2},
      {"more records than counted", Scribe().record(plain_record_at(0)).record(plain_record_at(1)),
       1},
  };
  for (const Malformed& wrong : cases) {
    const Bytes batch = batch_of(wrong.records, wrong.count, wrong.last_offset_delta);
    ASSERT_TRUE(BatchView::parse(batch).has_value())
        << wrong.what << ": " << BatchView::parse(batch).error().to_string();
    const auto back = read_back(batch);
    ASSERT_FALSE(back.has_value()) << wrong.what;
    EXPECT_EQ(back.error().code(), Errc::kInvalidBatch) << wrong.what;
  }
}

TEST(Records, AcceptGapsThatCompactionLeft) {
  const Bytes batch =
      batch_of(Scribe().record(plain_record_at(3)).record(plain_record_at(1000)), 2, 5000);
  const auto back = read_back(batch);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(back->offsets, (std::vector<std::int64_t>{3, 1000}));
}

TEST(Records, IgnoreARecordsOwnAttributes) {
  const Bytes batch = batch_of(
      Scribe().record(Scribe().raw({0x7f}).varint(0).varint(0).varint(-1).text("v").varint(0)), 1,
      0);
  EXPECT_TRUE(read_back(batch).has_value());
}

TEST(Records, KeepFailingOnceTheyFailedAndWhatCameBeforeStaysValid) {
  const Bytes batch =
      batch_of(Scribe().record(plain_record_at(0)).varint(100).raw({0, 0, 0, 1, 1, 0, 0}), 2, 1);
  auto records = Records::open(*BatchView::parse(batch));
  ASSERT_TRUE(records.has_value());
  const auto first = records->next();
  ASSERT_TRUE(first.has_value() && first->has_value());
  for (int i = 0; i < 3; ++i) {
    const auto broken = records->next();
    ASSERT_FALSE(broken.has_value());
    EXPECT_EQ(broken.error().code(), Errc::kInvalidBatch);
  }
  EXPECT_EQ(as_text(*(*first)->value), "v");
}

TEST(Records, EndIsReachedOnceAndStays) {
  const Bytes batch = batch_of(Scribe().record(plain_record_at(0)), 1, 0);
  auto records = Records::open(*BatchView::parse(batch));
  ASSERT_TRUE(records->next()->has_value());
  EXPECT_FALSE(records->next()->has_value());
  EXPECT_FALSE(records->next()->has_value());
}

TEST(Records, OfAnUncompressedBatchPointIntoIt) {
  const Bytes batch = build_batch({{.key = bytes_of("key"),
                                    .value = bytes_of("value"),
                                    .timestamp = Timestamp(1),
                                    .headers = {{.key = "header", .value = bytes_of("of it")}}}});
  const auto inside = [&](const void* at) {
    return std::less_equal<>()(static_cast<const void*>(batch.data()), at) &&
           std::less<>()(at, static_cast<const void*>(batch.data() + batch.size()));
  };
  auto records = Records::open(*BatchView::parse(batch));
  const auto record = **records->next();
  EXPECT_TRUE(inside(record.key->data()));
  EXPECT_TRUE(inside(record.value->data()));
  const std::vector<HeaderView> headers = record.headers.decode();
  EXPECT_TRUE(inside(headers.at(0).key.data()));
  EXPECT_TRUE(inside(headers.at(0).value->data()));
}

// Whoever keeps an iterator moves it into its place: what it lent out must survive that.
TEST(Records, OfACompressedBatchSurviveAMove) {
  Rng rng(8);
  const std::vector<Record> expected = random_records(rng, 40);
  const Bytes batch = build_batch(expected, {.codec = Codec::kZstd});
  ASSERT_EQ(BatchView::parse(batch)->codec(), Codec::kZstd);
  auto opened = Records::open(*BatchView::parse(batch));
  const RecordView first = **opened->next();
  Records moved = *std::move(opened);
  EXPECT_EQ(first.value.has_value(), expected[0].value.has_value());
  if (first.value) {
    EXPECT_TRUE(equal(*first.value, *expected[0].value));
  }
  std::size_t count = 1;
  for (auto record = moved.next(); record && *record; record = moved.next()) ++count;
  EXPECT_EQ(count, expected.size());
}

TEST(Records, AreRefusedWhenTheyDecompressPastTheLimit) {
  Rng rng(9);
  const Bytes batch = build_batch({{.key = std::nullopt,
                                    .value = prose(rng, 100'000),
                                    .timestamp = Timestamp(1),
                                    .headers = {}}},
                                  {.codec = Codec::kLz4});
  const auto records = Records::open(*BatchView::parse(batch), {.max_bytes = 50'000});
  ASSERT_FALSE(records.has_value());
  EXPECT_EQ(records.error().code(), Errc::kDecompressionLimit);
}

TEST(EncodeHeaders, MakesWhatAViewDecodes) {
  const Bytes v = bytes_of("v");
  const std::vector<HeaderView> headers = {
      {"a", ByteView(v)}, {"", std::nullopt}, {"größe", ByteView()}};
  const Bytes encoded = encode_headers(headers);
  const HeadersView view(3, encoded);
  const std::vector<HeaderView> decoded = view.decode();
  ASSERT_EQ(decoded.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(decoded[i].key, headers[i].key);
    ASSERT_EQ(decoded[i].value.has_value(), headers[i].value.has_value());
    if (decoded[i].value) {
      EXPECT_TRUE(equal(*decoded[i].value, *headers[i].value));
    }
  }
  EXPECT_TRUE(encode_headers({}).empty());
  EXPECT_TRUE(HeadersView().decode().empty());
}

}  // namespace
}  // namespace penstock::record
