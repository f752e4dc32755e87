// Bytes: views, owned buffers and shared slices, with what each costs.
//
//   ByteView     borrowed; valid as long as its owner. Never kept over a suspension.
//   Bytes        owned, growable; copying copies.
//   SharedBytes  reference-counted slice of an immutable buffer; copying costs an atomic increment.
// Threads: SharedBytes may be handed between threads; a Bytes belongs to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

using ByteView = std::span<const std::byte>;
using MutableByteView = std::span<std::byte>;
using Bytes = std::vector<std::byte>;

inline ByteView as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline bool equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(Bytes bytes)
      : SharedBytes(std::make_shared<const Bytes>(std::move(bytes))) {}
  // A buffer of `size` uninitialised bytes; fill it through `out` before sharing it.
  static SharedBytes allocate(std::size_t size, MutableByteView& out);

  ByteView view() const { return view_; }
  std::size_t size() const { return view_.size(); }
  bool empty() const { return view_.empty(); }
  // The part [begin, begin + size); keeps the whole buffer alive.
  SharedBytes slice(std::size_t begin, std::size_t size) const;

 private:
  explicit SharedBytes(std::shared_ptr<const Bytes> owner)
      : view_(*owner), owner_(std::move(owner)) {}
  SharedBytes(ByteView view, std::shared_ptr<const void> owner)
      : view_(view), owner_(std::move(owner)) {}

  ByteView view_;
  std::shared_ptr<const void> owner_;
};

}  // namespace penstock
