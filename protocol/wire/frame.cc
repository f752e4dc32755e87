#include "protocol/wire/frame.h"

#include <cstring>
#include <string>

#include "base/coding.h"
#include "protocol/record/crc32c.h"

namespace penstock::wire {
namespace {

constexpr std::array<std::byte, 4> kMagic = {std::byte{'P'}, std::byte{'S'}, std::byte{'T'},
                                             std::byte{'K'}};
constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kKindAt = 5;
constexpr std::size_t kApiAt = 6;
constexpr std::size_t kApiVersionAt = 8;
constexpr std::size_t kReservedAt = 10;
constexpr std::size_t kCorrelationAt = 12;
constexpr std::size_t kMessageBytesAt = 20;
constexpr std::size_t kAttachmentBytesAt = 24;
constexpr std::size_t kCrcAt = 28;

std::uint32_t frame_crc(const std::byte* header, ByteView message) {
  return record::crc32c(message, record::crc32c(ByteView(header, kCrcAt)));
}

}  // namespace

std::array<std::byte, kFrameHeaderSize> encode_frame_header(const FrameHeader& header,
                                                            ByteView message) {
  std::array<std::byte, kFrameHeaderSize> bytes{};
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  bytes[kVersionAt] = std::byte{kFrameVersion};
  bytes[kKindAt] = static_cast<std::byte>(header.kind);
  store_le(&bytes[kApiAt], header.api);
  store_le(&bytes[kApiVersionAt], header.version);
  store_le(&bytes[kCorrelationAt], header.correlation);
  store_le(&bytes[kMessageBytesAt], static_cast<std::uint32_t>(message.size()));
  store_le(&bytes[kAttachmentBytesAt], header.attachment_bytes);
  store_le(&bytes[kCrcAt], frame_crc(bytes.data(), message));
  return bytes;
}

Result<FrameHeader> decode_frame_header(std::span<const std::byte, kFrameHeaderSize> bytes,
                                        std::uint64_t max_frame_bytes) {
  if (!equal(bytes.first(kMagic.size()), kMagic)) {
    return fail(Errc::kBadFrame, "the frame does not begin with PSTK");
  }
  const auto version = std::to_integer<unsigned>(bytes[kVersionAt]);
  if (version != kFrameVersion) {
    return fail(Errc::kBadFrame, "frame version " + std::to_string(version) + " is not known");
  }
  const auto kind = std::to_integer<unsigned>(bytes[kKindAt]);
  if (kind > static_cast<unsigned>(FrameKind::kResponse)) {
    return fail(Errc::kBadFrame, "frame kind " + std::to_string(kind) + " is not known");
  }
  if (load_le<std::uint16_t>(&bytes[kReservedAt]) != 0) {
    return fail(Errc::kBadFrame, "reserved bits are set");
  }
  FrameHeader header{.kind = static_cast<FrameKind>(kind),
                     .api = load_le<std::uint16_t>(&bytes[kApiAt]),
                     .version = load_le<std::uint16_t>(&bytes[kApiVersionAt]),
                     .correlation = load_le<std::uint64_t>(&bytes[kCorrelationAt]),
                     .message_bytes = load_le<std::uint32_t>(&bytes[kMessageBytesAt]),
                     .attachment_bytes = load_le<std::uint32_t>(&bytes[kAttachmentBytesAt]),
                     .crc = load_le<std::uint32_t>(&bytes[kCrcAt])};
  // Two 32-bit lengths and a constant: the sum cannot wrap in 64 bits.
  if (kFrameHeaderSize + header.body_bytes() > max_frame_bytes) {
    return fail(Errc::kFrameTooLarge,
                "a frame of " + std::to_string(kFrameHeaderSize + header.body_bytes()) +
                    " bytes is over the limit of " + std::to_string(max_frame_bytes));
  }
  return header;
}

Status check_frame(std::span<const std::byte, kFrameHeaderSize> bytes, ByteView message) {
  if (frame_crc(bytes.data(), message) != load_le<std::uint32_t>(&bytes[kCrcAt])) {
    return fail(Errc::kBadFrame, "the checksum of a frame's header and message is wrong");
  }
  return {};
}

}  // namespace penstock::wire
