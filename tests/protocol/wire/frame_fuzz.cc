// Any bytes, in any pieces, through the frame assembler. The first byte chooses the sizes of the
// pieces; the stream must give the same frames as when it arrives at once.
//
// Built by libFuzzer with PENSTOCK_FUZZ=ON; always built with the corpus driver, which runs the
// committed seeds as a test.
#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "base/random.h"
#include "protocol/wire/frame_assembler.h"

namespace penstock::wire {
namespace {

constexpr std::uint64_t kMaxFrameBytes = 1U << 20;

struct Outcome {
  std::uint64_t frames = 0;
  std::uint64_t digest = 0;
  Errc ended = Errc::kOk;
  bool operator==(const Outcome&) const = default;
};

// Takes every frame that is there; false when the stream is broken.
bool drain(FrameAssembler& assembler, Outcome& outcome) {
  while (true) {
    const auto header = assembler.header(kMaxFrameBytes);
    if (!header) {
      outcome.ended = header.error().code();
      return false;
    }
    if (!*header) return true;
    PENSTOCK_ASSERT((*header)->body_bytes() <= kMaxFrameBytes, "the limit holds");
    if (!assembler.body_begun()) assembler.begin_body();
    if (!assembler.body_complete()) return true;
    const auto frame = assembler.take();
    if (!frame) {
      outcome.ended = frame.error().code();
      return false;
    }
    ++outcome.frames;
    for (const ByteView part : {frame->message.view(), frame->attachment.view()}) {
      for (const std::byte b : part) {
        outcome.digest = outcome.digest * 31 + std::to_integer<unsigned>(b);
      }
    }
  }
}

template <typename NextSize>
Outcome run(ByteView stream, NextSize next_size) {
  FrameAssembler assembler;
  Outcome outcome;
  while (!stream.empty()) {
    ByteView piece = stream.first(std::min<std::size_t>(next_size(), stream.size()));
    for (const MutableByteView space : assembler.space()) {
      const std::size_t size = std::min(space.size(), piece.size());
      if (size != 0) std::memcpy(space.data(), piece.data(), size);
      piece = piece.subspan(size);
      stream = stream.subspan(size);
      assembler.received(size);
      if (piece.empty()) break;
    }
    if (!drain(assembler, outcome)) return outcome;
  }
  return outcome;
}

}  // namespace
}  // namespace penstock::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  if (size == 0) return 0;
  const ByteView stream = std::as_bytes(std::span(data + 1, size - 1));
  Rng rng(data[0]);
  const std::size_t largest = 1U << (data[0] % 12);
  const auto pieces = wire::run(stream, [&] { return 1 + rng.below(largest); });
  const auto at_once = wire::run(stream, [] { return std::size_t{1} << 20; });
  PENSTOCK_ASSERT(pieces == at_once, "the pieces make no difference");
  return 0;
}
