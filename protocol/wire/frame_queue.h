// FrameQueue: frames on their way out, as the fewest pieces of memory that one write call can take.
//
// Small frames are copied one behind the other into chunks; large messages and attachments stay
// where they are and are referred to.
//
//   loop: parts() -> write a prefix of them -> written(how much)
//
// Lifetime: the queue owns or shares every byte until written() has passed it; what parts()
// returned is not touched before that, whatever is pushed meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "protocol/wire/frame.h"

namespace penstock::wire {

class FrameQueue {
 public:
  // Copying that much costs less than another entry of a gathered write.
  static constexpr std::size_t kCopyUpToBytes = 2U << 10;
  // Size at which a chunk is left and the next begun.
  static constexpr std::size_t kChunkBytes = 32U << 10;
  // Parts of one write: what Asio hands to the kernel at once.
  static constexpr std::size_t kMaxParts = 64;

  // The lengths in `header` are set from `message` and `attachment`. Precondition: each is below
  // 4 GiB.
  void push(FrameHeader header, Bytes message, std::vector<SharedBytes> attachment);

  // The front of what is queued: at most kMaxParts views. They stay valid and at their place until
  // written() passes them.
  std::span<const ByteView> parts();
  // The first `size` bytes have been written.
  void written(std::size_t size);

  bool empty() const { return bytes_ == 0; }
  std::uint64_t bytes() const { return bytes_; }  // pushed and not yet written

 private:
  struct Segment {
    Bytes owned;
    SharedBytes shared;  // used when `owned` is empty
    ByteView view() const { return owned.empty() ? shared.view() : ByteView(owned); }
  };

  Bytes& open_chunk(std::size_t room);
  void append_copy(ByteView bytes);

  std::deque<Segment> segments_;
  std::size_t lent_ = 0;        // segments at the front that parts() gave away
  std::size_t front_done_ = 0;  // written bytes of the first segment
  std::uint64_t bytes_ = 0;
  std::vector<ByteView> parts_;
};

}  // namespace penstock::wire
