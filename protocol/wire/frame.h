// Frame: how one message travels on a connection: fixed header, protobuf header, raw attachment.
//
// Format (little-endian; docs/protocol.md has the byte table and an example):
//    0  4  magic "PSTK"
//    4  1  frame version, 1
//    5  1  kind: 0 request, 1 response
//    6  2  api
//    8  2  api version
//   10  2  reserved, 0
//   12  8  correlation: chosen by the requester, returned in the response
//   20  4  message length
//   24  4  attachment length
//   28  4  CRC-32C over bytes 0..27 and the message
//   32  .. message (protobuf), then attachment
// Invariants: lengths are checked against a limit before anything is allocated.
// Failure: kBadFrame (wrong magic, version, kind, reserved bits or CRC), kFrameTooLarge. Both close
// the connection.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::wire {

inline constexpr std::size_t kFrameHeaderSize = 32;
inline constexpr std::uint8_t kFrameVersion = 1;

enum class FrameKind : std::uint8_t { kRequest = 0, kResponse = 1 };

struct FrameHeader {
  FrameKind kind = FrameKind::kRequest;
  std::uint16_t api = 0;
  std::uint16_t version = 0;
  std::uint64_t correlation = 0;
  std::uint32_t message_bytes = 0;
  std::uint32_t attachment_bytes = 0;
  std::uint32_t crc = 0;  // decode only; encode computes it

  std::uint64_t body_bytes() const { return std::uint64_t{message_bytes} + attachment_bytes; }
};

// `message` is the protobuf header that follows; its length goes into the frame header.
std::array<std::byte, kFrameHeaderSize> encode_frame_header(const FrameHeader& header,
                                                            ByteView message);

// Checks everything but the CRC, which needs the message: check_frame().
Result<FrameHeader> decode_frame_header(std::span<const std::byte, kFrameHeaderSize> bytes,
                                        std::uint64_t max_frame_bytes);

// kBadFrame when the CRC does not fit header and message.
Status check_frame(std::span<const std::byte, kFrameHeaderSize> bytes, ByteView message);

}  // namespace penstock::wire
