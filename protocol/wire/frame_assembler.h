// FrameAssembler: puts frames together from the pieces in which a stream delivers them.
//
// Many small frames arrive in one piece, so pieces land in a receive buffer; a large body is
// received straight into its own memory, behind which the receive buffer takes what follows.
//
//   loop: receive into space(), call received(n), then as long as it goes on:
//         header() -> begin_body() -> body_complete() -> take()
//
// Invariants: nothing is allocated from a declared length before begin_body(), which the caller
// calls when it can afford header()->body_bytes(). The receive buffer grows from kFirstBufferBytes
// to kFullBufferBytes while a peer fills it, so that a quiet connection costs little. Lifetime: the
// slices of a Frame share one allocation and outlive the assembler. Failure: kBadFrame,
// kFrameTooLarge; the stream cannot be used after either.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/wire/frame.h"

namespace penstock::wire {

struct Frame {
  FrameHeader header;
  SharedBytes message;
  SharedBytes attachment;
  MutableByteView mutable_attachment;  // the bytes of `attachment`
};

class FrameAssembler {
 public:
  // A connection that says little needs no more than this.
  static constexpr std::size_t kFirstBufferBytes = 4U << 10;
  // One receive call takes a hundred small frames, and ten thousand connections still hold no more
  // than 160 MiB in buffers.
  static constexpr std::size_t kFullBufferBytes = 16U << 10;

  FrameAssembler() = default;

  // Where the next bytes of the stream belong, in order; the first part is empty unless a body is
  // under way. Valid until the next call of any other function.
  std::array<MutableByteView, 2> space();
  // `size` bytes were written to the front of space().
  void received(std::size_t size);

  // The header of the frame at the front; none until all of it is there. Stays the same until
  // take().
  Result<std::optional<FrameHeader>> header(std::uint64_t max_frame_bytes);

  // Allocates the body of that header. Precondition: header() returned it, no body is under way.
  void begin_body();
  bool body_begun() const { return body_begun_; }
  bool body_complete() const { return body_begun_ && body_filled_ == body_.size(); }

  // The finished frame, its checksum checked. Precondition: body_complete().
  Result<Frame> take();

  // Bytes of a frame that is not complete yet are here.
  bool mid_frame() const { return body_begun_ || begin_ != end_; }
  // Forgets everything that was received; a body under way is freed.
  void discard();

 private:
  std::size_t buffered() const { return end_ - begin_; }
  void make_room();

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;  // of the bytes in the buffer that are not consumed
  std::size_t end_ = 0;
  bool filled_up_ = false;  // the last receive left no free space: grow

  std::array<std::byte, kFrameHeaderSize> header_bytes_{};
  FrameHeader header_;
  bool body_begun_ = false;
  SharedBytes body_;
  MutableByteView body_bytes_;
  std::size_t body_filled_ = 0;
};

}  // namespace penstock::wire
