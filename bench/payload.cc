#include "bench/payload.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/assert.h"
#include "base/random.h"
#include "bench/limits.h"

namespace penstock::bench {
namespace {

constexpr std::array<std::string_view, 8> kFields = {
    R"("id":")",     R"("ts":)",       R"("user":")",   R"("amount":)",
    R"("origin":")", R"("session":")", R"("retries":)", R"("payload":")"};

void append(Bytes& out, std::string_view text) {
  const ByteView bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void append_field(Bytes& out, Rng& rng) {
  const std::string_view field = kFields[rng.below(kFields.size())];
  std::array<char, 32> digits;
  const bool quoted = field.ends_with('"');
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), rng.next() >> 12,
                                  quoted ? 16 : 10)
                        .ptr;
  append(out, field);
  append(out, std::string_view(digits.data(), end));
  append(out, quoted ? "\"," : ",");
}

}  // namespace

Payloads::Payloads(std::uint64_t seed, std::size_t record_bytes) : record_bytes_(record_bytes) {
  PENSTOCK_ASSERT(record_bytes <= kMaxRecordBytes, "checked with the config");
  windows_ = std::max<std::size_t>(1, kPayloadTextBytes / std::max<std::size_t>(1, record_bytes));
  Rng rng(seed);
  text_.reserve(windows_ * record_bytes + 64);
  while (text_.size() < windows_ * record_bytes) append_field(text_, rng);
}

ByteView Payloads::at(std::uint64_t index) const {
  return ByteView(text_).subspan((index % windows_) * record_bytes_, record_bytes_);
}

}  // namespace penstock::bench
