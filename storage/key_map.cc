#include "storage/key_map.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>

namespace penstock::storage {
namespace {

// Of four slots one stays free, so that looking for a key that is not there ends soon.
constexpr std::size_t most_in(std::size_t slots) { return slots - slots / 4; }

std::size_t slots_for(std::size_t max_bytes, std::uint64_t max_keys, std::size_t slot_bytes) {
  const std::uint64_t wanted = std::min<std::uint64_t>(max_keys + max_keys / 3 + 2, max_bytes);
  const std::uint64_t allowed = std::max<std::uint64_t>(max_bytes / slot_bytes, 2);
  return std::min(std::bit_ceil(wanted), std::bit_floor(allowed));
}

}  // namespace

KeyMap::KeyMap(std::size_t max_bytes, std::uint64_t max_keys, std::uint64_t seed)
    : seed_(seed),
      slots_(std::max<std::size_t>(slots_for(max_bytes, max_keys, sizeof(Slot)), 2)),
      most_(std::max<std::size_t>(std::min(most_in(slots_.size()), slots_.size() - 1), 1)) {}

std::size_t KeyMap::place_of(std::uint64_t low, std::uint64_t high) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = static_cast<std::size_t>(low) & mask;
  while (slots_[at].offset_and_one != 0 && (slots_[at].low != low || slots_[at].high != high)) {
    at = (at + 1) & mask;
  }
  return at;
}

bool KeyMap::put(ByteView key, Offset offset) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(key.data(), key.size(), seed_);
  Slot& slot = slots_[place_of(hash.low64, hash.high64)];
  if (slot.offset_and_one == 0) {
    if (size_ == most_) return false;
    ++size_;
  }
  slot = {hash.low64, hash.high64, offset.value() + 1};
  return true;
}

std::optional<Offset> KeyMap::find(ByteView key) const {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(key.data(), key.size(), seed_);
  const Slot& slot = slots_[place_of(hash.low64, hash.high64)];
  if (slot.offset_and_one == 0) return std::nullopt;
  return Offset(slot.offset_and_one - 1);
}

}  // namespace penstock::storage
