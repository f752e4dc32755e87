#include "tests/protocol/record/sample_records.h"

#include <algorithm>
#include <cctype>
#include <ostream>
#include <ranges>

#include "base/assert.h"
#include "base/coding.h"
#include "protocol/record/crc32c.h"

namespace penstock::record {
namespace {

std::optional<Bytes> random_content(Rng& rng) {
  switch (rng.below(8)) {
    case 0:
      return std::nullopt;
    case 1:
      return Bytes{};
    case 2:
      return noise(rng, rng.below(300));
    default:
      return prose(rng, rng.below(200));
  }
}

std::optional<Bytes> owned(const std::optional<ByteView>& view) {
  if (!view) return std::nullopt;
  return Bytes(view->begin(), view->end());
}

std::string printable(const std::optional<Bytes>& bytes) {
  if (!bytes) return "null";
  std::string text = "'";
  for (const std::byte b : *bytes | std::views::take(40)) {
    const auto c = std::to_integer<unsigned char>(b);
    text += std::isprint(c) != 0 ? static_cast<char>(c) : '.';
  }
  return text + "' (" + std::to_string(bytes->size()) + " bytes)";
}

}  // namespace

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

Bytes noise(Rng& rng, std::size_t size) {
  Bytes bytes(size);
  std::ranges::generate(bytes, [&] { return static_cast<std::byte>(rng.below(256)); });
  return bytes;
}

Bytes prose(Rng& rng, std::size_t size) {
  constexpr std::string_view kWords[] = {"{\"id\":",  "\"quake\"", ",\"magnitude\":", "4.7",
                                         "\"place\"", "}",         " km of ",         "0000"};
  std::string text;
  while (text.size() < size) text += kWords[rng.below(std::size(kWords))];
  return bytes_of(std::string_view(text).substr(0, size));
}

Record random_record(Rng& rng) {
  Record record{.key = random_content(rng),
                .value = random_content(rng),
                .timestamp = Timestamp(1'700'000'000'000 +
                                       static_cast<std::int64_t>(rng.below(100'000)) - 50'000),
                .headers = {}};
  if (rng.one_in(3)) {
    const std::size_t count = 1 + rng.below(4);
    for (std::size_t i = 0; i < count; ++i) {
      record.headers.push_back(
          {.key = rng.one_in(5) ? std::string() : "header-" + std::to_string(rng.below(1000)),
           .value = random_content(rng)});
    }
  }
  return record;
}

std::vector<Record> random_records(Rng& rng, std::size_t max_count) {
  std::vector<Record> records(1 + rng.below(max_count));
  std::ranges::generate(records, [&] { return random_record(rng); });
  return records;
}

Bytes build_batch(const std::vector<Record>& records, BuilderOptions options) {
  BatchBuilder builder(options);
  for (const Record& record : records) builder.append(record);
  Result<Bytes> batch = builder.build();
  PENSTOCK_ASSERT(batch.has_value(), "the test's batch can be built");
  return *std::move(batch);
}

void reseal(Bytes& batch) {
  store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - kLengthPrefixSize));
  store_be(batch.data() + 17, crc32c(ByteView(batch).subspan(kUncheckedPrefixSize)));
}

Result<ReadBack> read_back(ByteView bytes, const DecompressLimits& limits) {
  PENSTOCK_TRY_ASSIGN(const BatchView batch, BatchView::parse(bytes));
  PENSTOCK_TRY(batch.verify_crc());
  PENSTOCK_TRY_ASSIGN(Records records, Records::open(batch, limits));
  ReadBack all;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const std::optional<RecordView> next, records.next());
    if (!next) return all;
    Record record{.key = owned(next->key),
                  .value = owned(next->value),
                  .timestamp = next->timestamp,
                  .headers = {}};
    for (const HeaderView& header : next->headers.decode()) {
      record.headers.push_back({.key = std::string(header.key), .value = owned(header.value)});
    }
    all.records.push_back(std::move(record));
    all.offsets.push_back(next->offset.value());
  }
}

void PrintTo(const Record& record, std::ostream* out) {
  *out << "record at " << record.timestamp.ms() << " key=" << printable(record.key)
       << " value=" << printable(record.value);
  for (const Header& header : record.headers) {
    *out << " " << header.key << "=" << printable(header.value);
  }
}

}  // namespace penstock::record
