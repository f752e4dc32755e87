#include "protocol/record/bounded_output.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/assert.h"
#include "protocol/record/limits.h"

namespace penstock::record {
namespace {

std::unexpected<Error> over(std::size_t limit) {
  return fail(Errc::kDecompressionLimit,
              "batch decompresses to more than its " + std::to_string(limit) + " bytes");
}

}  // namespace

BoundedOutput::BoundedOutput(Bytes& out, std::size_t limit)
    : out_(out),
      begin_(out.size()),
      limit_(std::min(limit, std::numeric_limits<std::size_t>::max() / 4)) {}

void BoundedOutput::grow_to(std::size_t capacity) {
  capacity = std::min(capacity, limit_ + 1);
  if (out_.size() - begin_ >= capacity) return;
  // Without it, resize() may allocate twice the old size, past the limit.
  out_.reserve(begin_ + capacity);
  out_.resize(begin_ + capacity);
}

void BoundedOutput::expect(std::size_t size) { grow_to(written_ + std::min(size, limit_) + 1); }

MutableByteView BoundedOutput::room() {
  if (out_.size() == begin_ + written_) grow_to(std::max(kFirstOutputBytes, written_ * 2));
  return MutableByteView(out_).subspan(begin_ + written_);
}

Result<MutableByteView> BoundedOutput::room_for(std::size_t size) {
  if (size > limit_ - written_) return over(limit_);
  if (out_.size() - begin_ - written_ < size) grow_to(std::max(written_ + size, written_ * 2));
  return MutableByteView(out_).subspan(begin_ + written_);
}

MutableByteView BoundedOutput::all_room() {
  grow_to(limit_ + 1);
  return MutableByteView(out_).subspan(begin_ + written_);
}

Status BoundedOutput::advance(std::size_t size) {
  PENSTOCK_ASSERT(size <= out_.size() - begin_ - written_, "written within the room");
  written_ += size;
  if (written_ > limit_) return over(limit_);
  return {};
}

void BoundedOutput::finish() { out_.resize(begin_ + written_); }

}  // namespace penstock::record
