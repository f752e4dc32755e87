#include "protocol/wire/frame_queue.h"

#include <limits>
#include <utility>

#include "base/assert.h"

namespace penstock::wire {

void FrameQueue::push(FrameHeader header, Bytes message, std::vector<SharedBytes> attachment) {
  std::uint64_t attachment_bytes = 0;
  for (const SharedBytes& part : attachment) attachment_bytes += part.size();
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  PENSTOCK_ASSERT(message.size() <= kMax && attachment_bytes <= kMax, "lengths fit their fields");
  header.attachment_bytes = static_cast<std::uint32_t>(attachment_bytes);
  append_copy(encode_frame_header(header, message));
  bytes_ += kFrameHeaderSize + message.size() + attachment_bytes;
  if (message.size() <= kCopyUpToBytes) {
    append_copy(message);
  } else {
    segments_.push_back({.owned = std::move(message), .shared = {}});
  }
  for (SharedBytes& part : attachment) {
    if (part.size() <= kCopyUpToBytes) {
      append_copy(part.view());
    } else {
      segments_.push_back({.owned = {}, .shared = std::move(part)});
    }
  }
}

// A chunk at the end that no write has seen and that takes `room` more bytes.
Bytes& FrameQueue::open_chunk(std::size_t room) {
  if (segments_.size() > lent_) {
    Segment& last = segments_.back();
    if (last.shared.empty() && last.owned.size() + room <= kChunkBytes) return last.owned;
  }
  return segments_.emplace_back().owned;
}

void FrameQueue::append_copy(ByteView bytes) {
  if (bytes.empty()) return;
  Bytes& chunk = open_chunk(bytes.size());
  chunk.insert(chunk.end(), bytes.begin(), bytes.end());
}

std::span<const ByteView> FrameQueue::parts() {
  parts_.clear();
  for (const Segment& segment : segments_) {
    if (parts_.size() == kMaxParts) break;
    parts_.push_back(segment.view().subspan(parts_.empty() ? front_done_ : 0));
  }
  lent_ = parts_.size();
  return parts_;
}

void FrameQueue::written(std::size_t size) {
  PENSTOCK_ASSERT(size <= bytes_, "no more is written than was queued");
  bytes_ -= size;
  while (size != 0) {
    const std::size_t left = segments_.front().view().size() - front_done_;
    if (size < left) {
      front_done_ += size;
      return;
    }
    size -= left;
    front_done_ = 0;
    segments_.pop_front();
    if (lent_ != 0) --lent_;
  }
}

}  // namespace penstock::wire
