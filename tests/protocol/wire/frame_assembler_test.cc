// Frames out of a stream that arrives in any pieces.
#include "protocol/wire/frame_assembler.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/random.h"
#include "tests/protocol/wire/frame_samples.h"

namespace penstock::wire {
namespace {

// Feeds `bytes`; returns how many the assembler had space for.
std::size_t feed(FrameAssembler& assembler, ByteView bytes) {
  std::size_t fed = 0;
  for (const MutableByteView part : assembler.space()) {
    const std::size_t size = std::min(part.size(), bytes.size() - fed);
    if (size != 0) std::memcpy(part.data(), bytes.data() + fed, size);
    fed += size;
  }
  assembler.received(fed);
  return fed;
}

TEST(FrameAssembler, AsksForAHeaderFirst) {
  FrameAssembler assembler;
  EXPECT_TRUE(assembler.space()[0].empty());
  EXPECT_GE(assembler.space()[1].size(), kFrameHeaderSize);
  EXPECT_EQ(*assembler.header(1000), std::nullopt);
  EXPECT_FALSE(assembler.mid_frame());
}

TEST(FrameAssembler, EveryTruncationIsAnUnfinishedFrameAndNothingElse) {
  const Bytes frame = sample_frame(3, "message", Bytes(300, std::byte{9}));
  for (std::size_t length = 0; length < frame.size(); ++length) {
    FrameAssembler assembler;
    feed(assembler, ByteView(frame).first(length));
    EXPECT_EQ(assembler.mid_frame(), length != 0) << length;
    const auto header = assembler.header(1U << 20);
    ASSERT_TRUE(header) << length;
    EXPECT_EQ(header->has_value(), length >= kFrameHeaderSize) << length;
    if (!*header) continue;
    assembler.begin_body();
    EXPECT_FALSE(assembler.body_complete()) << length;
    EXPECT_EQ(assembler.space()[0].size(), frame.size() - length) << "only the rest is asked for";
  }
}

TEST(FrameAssembler, ManySmallFramesOfOnePieceComeOutInOrder) {
  Bytes stream;
  for (std::uint64_t i = 0; i < 20; ++i) append(stream, sample_frame(i, "m" + std::to_string(i)));
  FrameAssembler assembler;
  ASSERT_EQ(feed(assembler, stream), stream.size());
  for (std::uint64_t i = 0; i < 20; ++i) {
    const auto frame = next_frame(assembler);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header.correlation, i);
    EXPECT_EQ(as_text(frame->message.view()), "m" + std::to_string(i));
  }
  EXPECT_FALSE(assembler.mid_frame());
}

TEST(FrameAssembler, ALargeBodyIsReceivedInPlaceAndTheNextFrameBehindIt) {
  const Bytes large = sample_frame(1, "large", Bytes(100'000, std::byte{7}));
  Bytes stream = large;
  append(stream, sample_frame(2, "next"));
  FrameAssembler assembler;
  std::size_t fed = feed(assembler, stream);
  ASSERT_TRUE(assembler.header(1U << 20)->has_value());
  assembler.begin_body();
  EXPECT_EQ(assembler.space()[0].size(), large.size() - fed) << "the whole rest in one piece";
  fed += feed(assembler, ByteView(stream).subspan(fed));
  EXPECT_EQ(fed, stream.size()) << "what follows went to the buffer in the same receive";
  const auto frame = assembler.take();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->attachment.size(), 100'000);
  EXPECT_EQ(next_frame(assembler)->header.correlation, 2);
}

TEST(FrameAssembler, NothingIsAllocatedForABodyThatIsOverTheLimit) {
  FrameAssembler assembler;
  feed(assembler, sample_frame(1, "message", Bytes(2000)));
  EXPECT_EQ(assembler.header(1000).error().code(), Errc::kFrameTooLarge);
}

TEST(FrameAssembler, ADamagedMessageIsNotHandedOut) {
  Bytes bytes = sample_frame(1, "message");
  bytes[kFrameHeaderSize + 2] ^= std::byte{4};
  FrameAssembler assembler;
  feed(assembler, bytes);
  ASSERT_TRUE(assembler.header(1000)->has_value());
  assembler.begin_body();
  EXPECT_EQ(assembler.take().error().code(), Errc::kBadFrame);
}

TEST(FrameAssembler, ASliceOutlivesTheAssembler) {
  SharedBytes attachment;
  {
    FrameAssembler assembler;
    feed(assembler, sample_frame(1, "message", Bytes(50, std::byte{3})));
    attachment = next_frame(assembler)->attachment;
  }
  EXPECT_TRUE(equal(attachment.view(), Bytes(50, std::byte{3})));
}

TEST(FrameAssembler, TheHandlerMayChangeTheAttachment) {
  FrameAssembler assembler;
  feed(assembler, sample_frame(1, "message", Bytes(50, std::byte{3})));
  const auto frame = next_frame(assembler);
  ASSERT_EQ(frame->mutable_attachment.size(), 50);
  frame->mutable_attachment[7] = std::byte{99};
  EXPECT_EQ(frame->attachment.view()[7], std::byte{99});
  EXPECT_EQ(as_text(frame->message.view()), "message");
}

TEST(FrameAssembler, AQuietConnectionHoldsASmallBuffer) {
  FrameAssembler assembler;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    feed(assembler, sample_frame(i, "small"));
    ASSERT_TRUE(next_frame(assembler));
  }
  EXPECT_EQ(assembler.space()[1].size(), FrameAssembler::kFirstBufferBytes);
}

TEST(FrameAssembler, APeerThatFillsTheBufferGetsALargerOneUpToALimit) {
  FrameAssembler assembler;
  const Bytes frame = sample_frame(1, std::string(900, 'x'));
  Bytes stream;
  for (int i = 0; i < 200; ++i) append(stream, frame);
  std::size_t fed = 0;
  std::size_t frames = 0;
  std::size_t largest = 0;
  while (fed < stream.size()) {
    largest = std::max(largest, assembler.space()[1].size());
    fed += feed(assembler, ByteView(stream).subspan(fed));
    while (next_frame(assembler)) ++frames;
  }
  EXPECT_EQ(frames, 200);
  EXPECT_LE(largest, FrameAssembler::kFullBufferBytes);
  EXPECT_GT(largest, FrameAssembler::kFirstBufferBytes);
}

TEST(FrameAssembler, DiscardForgetsWhatCame) {
  FrameAssembler assembler;
  feed(assembler, ByteView(sample_frame(1, "message", Bytes(5000))).first(1000));
  ASSERT_TRUE(assembler.header(1U << 20)->has_value());
  assembler.begin_body();
  assembler.discard();
  EXPECT_FALSE(assembler.mid_frame());
  feed(assembler, sample_frame(2, "another"));
  EXPECT_EQ(next_frame(assembler)->header.correlation, 2);
}

TEST(FrameAssembler, AnyPiecesGiveTheSameFrames) {
  Rng rng(7);
  std::size_t pieces = 0;
  std::size_t wrong = 0;
  for (int round = 0; round < 200; ++round) {
    Bytes stream;
    std::vector<std::pair<std::size_t, std::size_t>> sizes;
    for (int i = 0; i < 10; ++i) {
      sizes.emplace_back(rng.below(50), rng.one_in(3) ? rng.below(40'000) : rng.below(100));
      append(stream, sample_frame(sizes.size(), std::string(sizes.back().first, 'm'),
                                  Bytes(sizes.back().second, std::byte{8})));
    }
    FrameAssembler assembler;
    std::size_t fed = 0;
    std::size_t seen = 0;
    while (seen < sizes.size()) {
      const std::size_t want = rng.one_in(2) ? 1 + rng.below(40) : 1 + rng.below(30'000);
      const ByteView rest = ByteView(stream).subspan(fed);
      fed += feed(assembler, rest.first(std::min(want, rest.size())));
      ++pieces;
      while (const auto frame = next_frame(assembler)) {
        const bool right = frame->header.correlation == seen + 1 &&
                           frame->message.size() == sizes[seen].first &&
                           equal(frame->attachment.view(), Bytes(sizes[seen].second, std::byte{8}));
        wrong += right ? 0 : 1;
        ++seen;
      }
    }
    EXPECT_EQ(fed, stream.size());
  }
  std::printf("FRAMECHUNKS streams=200 pieces=%zu wrong=%zu\n", pieces, wrong);
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace penstock::wire
