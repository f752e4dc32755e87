// Hash128 and the hash of one record.
//
// Format of what is hashed, little-endian: offset 8, leader epoch 4, timestamp 8, key, value,
// header count 4, then each header's key and value. Every byte string stands behind its length as 8
// bytes
// (-1: null).
#include <xxhash.h>

#include <array>
#include <charconv>
#include <memory>

#include "base/assert.h"
#include "base/coding.h"
#include "protocol/record/record.h"
#include "protocol/record/record_header.h"

namespace penstock::record {
namespace {

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

// Collects what is hashed on the stack: one call into the hash for a small record, streaming once a
// record is larger. Both give the same value.
class RecordHasher {
 public:
  template <std::integral T>
  void put(T value) {
    std::array<std::byte, sizeof(T)> raw;
    store_le(raw.data(), value);
    put_raw(raw);
  }
  void put_string(const std::optional<ByteView>& bytes) {
    put(bytes ? static_cast<std::int64_t>(bytes->size()) : std::int64_t{-1});
    if (bytes) put_raw(*bytes);
  }
  Hash128 finish() {
    XXH128_hash_t hash;
    if (state_ == nullptr) {
      hash = XXH3_128bits(buffer_.data(), used_);
    } else {
      flush();
      hash = XXH3_128bits_digest(state_.get());
    }
    return {.low = hash.low64, .high = hash.high64};
  }

 private:
  void put_raw(ByteView bytes) {
    if (bytes.size() > buffer_.size() - used_) {
      flush();
      if (bytes.size() > buffer_.size()) {
        XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
        return;
      }
    }
    if (!bytes.empty()) std::memcpy(buffer_.data() + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  void flush() {
    if (state_ == nullptr) {
      state_.reset(XXH3_createState());
      PENSTOCK_ASSERT(state_ != nullptr, "memory for a hash state");
      XXH3_128bits_reset(state_.get());
    }
    XXH3_128bits_update(state_.get(), buffer_.data(), used_);
    used_ = 0;
  }

  std::array<std::byte, 4096> buffer_;  // written before it is read
  std::size_t used_ = 0;
  std::unique_ptr<XXH3_state_t, FreeState> state_;  // set: streaming
};

std::optional<std::uint64_t> parse_half(std::string_view hex) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
  if (error != std::errc() || end != hex.data() + hex.size()) return std::nullopt;
  return value;
}

}  // namespace

Hash128& Hash128::operator+=(const Hash128& other) {
  low += other.low;
  high += other.high + (low < other.low ? 1 : 0);
  return *this;
}

std::string Hash128::to_string() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    text[15 - i] = kDigits[(high >> (4 * i)) & 0xf];
    text[31 - i] = kDigits[(low >> (4 * i)) & 0xf];
  }
  return text;
}

std::optional<Hash128> Hash128::parse(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  const auto high = parse_half(hex.substr(0, 16));
  const auto low = parse_half(hex.substr(16));
  if (!high || !low) return std::nullopt;
  return Hash128{.low = *low, .high = *high};
}

Hash128 hash_record(const RecordView& record, Term leader_epoch) {
  RecordHasher hasher;
  hasher.put(record.offset.value());
  hasher.put(leader_epoch.value());
  hasher.put(record.timestamp.ms());
  hasher.put_string(record.key);
  hasher.put_string(record.value);
  hasher.put(record.headers.size());
  ByteReader reader(record.headers.encoded());
  HeaderView header;
  for (std::int32_t i = 0; i < record.headers.size() && read_header(reader, header); ++i) {
    hasher.put_string(as_bytes(header.key));
    hasher.put_string(header.value);
  }
  return hasher.finish();
}

}  // namespace penstock::record
