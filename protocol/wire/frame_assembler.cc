#include "protocol/wire/frame_assembler.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"

namespace penstock::wire {

std::array<MutableByteView, 2> FrameAssembler::space() {
  make_room();
  const MutableByteView free(buffer_.get() + end_, capacity_ - end_);
  if (body_begun_ && !body_complete()) return {body_bytes_.subspan(body_filled_), free};
  return {MutableByteView{}, free};
}

void FrameAssembler::make_room() {
  const std::size_t wanted =
      capacity_ == 0 ? kFirstBufferBytes
                     : (filled_up_ ? std::min(capacity_ * 4, kFullBufferBytes) : capacity_);
  filled_up_ = false;
  if (wanted != capacity_) {
    auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
    if (buffered() != 0) std::memcpy(larger.get(), buffer_.get() + begin_, buffered());
    buffer_ = std::move(larger);
    capacity_ = wanted;
  } else if (begin_ != 0 && buffered() != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, buffered());
  }
  end_ = buffered();
  begin_ = 0;
}

void FrameAssembler::received(std::size_t size) {
  if (body_begun_ && !body_complete()) {
    const std::size_t to_body = std::min(size, body_.size() - body_filled_);
    body_filled_ += to_body;
    size -= to_body;
  }
  PENSTOCK_ASSERT(size <= capacity_ - end_, "no more was received than there was space");
  end_ += size;
  filled_up_ = end_ == capacity_;
}

Result<std::optional<FrameHeader>> FrameAssembler::header(std::uint64_t max_frame_bytes) {
  if (body_begun_) return header_;
  if (buffered() < kFrameHeaderSize) return std::nullopt;
  std::memcpy(header_bytes_.data(), buffer_.get() + begin_, kFrameHeaderSize);
  PENSTOCK_TRY_ASSIGN(header_, decode_frame_header(header_bytes_, max_frame_bytes));
  return header_;
}

void FrameAssembler::begin_body() {
  PENSTOCK_ASSERT(!body_begun_ && buffered() >= kFrameHeaderSize, "a header is at the front");
  begin_ += kFrameHeaderSize;
  const auto size = static_cast<std::size_t>(header_.body_bytes());
  body_ = SharedBytes::allocate(size, body_bytes_);
  body_filled_ = std::min(size, buffered());
  if (body_filled_ != 0) std::memcpy(body_bytes_.data(), buffer_.get() + begin_, body_filled_);
  begin_ += body_filled_;
  body_begun_ = true;
}

Result<Frame> FrameAssembler::take() {
  PENSTOCK_ASSERT(body_complete(), "the whole frame is here");
  Frame frame{.header = header_,
              .message = body_.slice(0, header_.message_bytes),
              .attachment = body_.slice(header_.message_bytes, header_.attachment_bytes),
              .mutable_attachment = body_bytes_.subspan(header_.message_bytes)};
  body_ = SharedBytes();
  body_bytes_ = {};
  body_filled_ = 0;
  body_begun_ = false;
  PENSTOCK_TRY(check_frame(header_bytes_, frame.message.view()));
  return frame;
}

void FrameAssembler::discard() {
  begin_ = end_ = 0;
  body_begun_ = false;
  body_ = SharedBytes();
  body_bytes_ = {};
  body_filled_ = 0;
}

}  // namespace penstock::wire
