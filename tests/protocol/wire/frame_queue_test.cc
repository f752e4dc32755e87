// Frames on their way to a socket that takes what it likes.
#include "protocol/wire/frame_queue.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/protocol/wire/frame_samples.h"

namespace penstock::wire {
namespace {

const FrameHeader kHeader{.api = 16, .version = 1};

FrameHeader numbered(std::uint64_t correlation) {
  FrameHeader header = kHeader;
  header.correlation = correlation;
  return header;
}

Bytes text(std::string_view characters) {
  return {as_bytes(characters).begin(), as_bytes(characters).end()};
}

TEST(FrameQueue, SmallFramesLeaveAsOnePiece) {
  FrameQueue queue;
  for (std::uint64_t i = 0; i < 100; ++i) queue.push(numbered(i), text("small"), {});
  EXPECT_EQ(queue.parts().size(), 1);
  EXPECT_EQ(queue.parts()[0].size(), 100 * (kFrameHeaderSize + 5));
  EXPECT_EQ(queue.bytes(), 100 * (kFrameHeaderSize + 5));
}

TEST(FrameQueue, ALargeAttachmentIsNotCopied) {
  const SharedBytes attachment(Bytes(100'000, std::byte{1}));
  FrameQueue queue;
  queue.push(numbered(1), text("message"), {attachment});
  ASSERT_EQ(queue.parts().size(), 2);
  EXPECT_EQ(queue.parts()[1].data(), attachment.view().data());
}

TEST(FrameQueue, ALargeAttachmentLivesUntilItIsWritten) {
  FrameQueue queue;
  queue.push(numbered(1), {}, {SharedBytes(Bytes(100'000, std::byte{1}))});
  const std::size_t head = queue.parts()[0].size();
  queue.written(head + 99'999);
  EXPECT_EQ(queue.parts()[0].size(), 1);
  EXPECT_EQ(queue.parts()[0][0], std::byte{1});
  queue.written(1);
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(queue.parts().empty());
}

TEST(FrameQueue, WhatIsBeingWrittenStaysInPlaceWhileMoreIsPushed) {
  FrameQueue queue;
  queue.push(numbered(1), text("first"), {});
  const ByteView being_written = queue.parts()[0];
  const Bytes before(being_written.begin(), being_written.end());
  for (std::uint64_t i = 0; i < 1000; ++i) queue.push(numbered(i), text("more"), {});
  EXPECT_TRUE(equal(being_written, before)) << "its memory has not moved";
  queue.written(being_written.size());
  EXPECT_EQ(queue.bytes(), 1000 * (kFrameHeaderSize + 4));
}

TEST(FrameQueue, OneWriteGetsNoMorePartsThanTheKernelTakes) {
  FrameQueue queue;
  for (std::uint64_t i = 0; i < 100; ++i) {
    queue.push(numbered(i), {}, {SharedBytes(Bytes(FrameQueue::kCopyUpToBytes + 1))});
  }
  EXPECT_EQ(queue.parts().size(), FrameQueue::kMaxParts);
}

TEST(FrameQueue, EmptyPartsCostNothing) {
  FrameQueue queue;
  queue.push(numbered(1), {}, {SharedBytes(), SharedBytes(Bytes())});
  EXPECT_EQ(queue.bytes(), kFrameHeaderSize);
  queue.written(kFrameHeaderSize);
  EXPECT_TRUE(queue.empty());
}

TEST(FrameQueue, ASocketThatTakesAnyAmountGetsEveryByteInOrder) {
  Rng rng(11);
  for (int round = 0; round < 200; ++round) {
    FrameQueue queue;
    Bytes expected;
    Bytes written;
    std::uint64_t pushed = 0;
    while (pushed < 30 || !queue.empty()) {
      if (pushed < 30 && (queue.empty() || rng.one_in(2))) {
        const std::string message(rng.below(rng.one_in(4) ? 9'000 : 60), 'm');
        const Bytes attachment(rng.below(rng.one_in(4) ? 9'000 : 60), std::byte{5});
        append(expected, sample_frame(pushed, message, attachment));
        queue.push(numbered(pushed++), text(message), {SharedBytes(attachment)});
        continue;
      }
      // The write begins; more may be pushed before it is known how much it took.
      Bytes offered;
      const auto parts = queue.parts();
      const std::vector<ByteView> lent(parts.begin(), parts.end());
      if (pushed < 30 && rng.one_in(2)) {
        append(expected, sample_frame(pushed, "meanwhile"));
        queue.push(numbered(pushed++), text("meanwhile"), {});
      }
      for (const ByteView part : lent) append(offered, part);
      const std::size_t took = 1 + rng.below(offered.size());
      append(written, ByteView(offered).first(took));
      queue.written(took);
    }
    ASSERT_TRUE(equal(written, expected)) << "round " << round;
  }
}

}  // namespace
}  // namespace penstock::wire
