#include "tests/protocol/wire/frame_samples.h"

namespace penstock::wire {

void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

Bytes sample_frame(std::uint64_t correlation, std::string_view message, const Bytes& attachment) {
  const auto head =
      encode_frame_header({.api = 16,
                           .version = 1,
                           .correlation = correlation,
                           .attachment_bytes = static_cast<std::uint32_t>(attachment.size())},
                          as_bytes(message));
  Bytes frame(head.begin(), head.end());
  append(frame, as_bytes(message));
  append(frame, attachment);
  return frame;
}

std::optional<Frame> next_frame(FrameAssembler& assembler) {
  const auto header = assembler.header(1U << 20);
  if (!header || !*header) return std::nullopt;
  if (!assembler.body_begun()) assembler.begin_body();
  if (!assembler.body_complete()) return std::nullopt;
  auto frame = assembler.take();
  if (!frame) return std::nullopt;
  return *std::move(frame);
}

}  // namespace penstock::wire
