#include "base/bytes.h"

#include "base/assert.h"

namespace penstock {

SharedBytes SharedBytes::allocate(std::size_t size, MutableByteView& out) {
  std::shared_ptr<std::byte[]> buffer = std::make_shared_for_overwrite<std::byte[]>(size);
  out = MutableByteView(buffer.get(), size);
  return SharedBytes(ByteView(buffer.get(), size), std::move(buffer));
}

SharedBytes SharedBytes::slice(std::size_t begin, std::size_t size) const {
  PENSTOCK_ASSERT(begin <= view_.size() && size <= view_.size() - begin, "slice inside the buffer");
  return SharedBytes(view_.subspan(begin, size), owner_);
}

}  // namespace penstock
