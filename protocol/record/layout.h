// Where the fields of a RecordBatch v2 header stand, and the bits of its attributes.
//
// Format: docs/protocol.md, "Record batch". Internal to protocol/record: others use BatchView.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::record::layout {

inline constexpr std::size_t kBaseOffset = 0;
inline constexpr std::size_t kLength = 8;
inline constexpr std::size_t kLeaderEpoch = 12;
inline constexpr std::size_t kMagicByte = 16;
inline constexpr std::size_t kCrc = 17;
inline constexpr std::size_t kAttributes = 21;  // the CRC covers everything from here on
inline constexpr std::size_t kLastOffsetDelta = 23;
inline constexpr std::size_t kBaseTimestamp = 27;
inline constexpr std::size_t kMaxTimestamp = 35;
inline constexpr std::size_t kProducerId = 43;
inline constexpr std::size_t kProducerEpoch = 51;
inline constexpr std::size_t kBaseSequence = 53;
inline constexpr std::size_t kRecordCount = 57;

// Bits 7 to 15 are not assigned. Readers ignore them: a later version of the format may use them,
// and a log that refused such a batch could neither copy nor repair it.
inline constexpr std::int16_t kCodecMask = 0x07;
inline constexpr std::int16_t kLogAppendTimeBit = 0x08;
inline constexpr std::int16_t kTransactionalBit = 0x10;
inline constexpr std::int16_t kControlBit = 0x20;
inline constexpr std::int16_t kDeleteHorizonBit = 0x40;

// Length, attributes, timestamp delta, offset delta, key length, value length, header count: one
// byte each at the least.
inline constexpr std::size_t kMinRecordBytes = 7;
// Key length and value length.
inline constexpr std::size_t kMinRecordHeaderBytes = 2;

}  // namespace penstock::record::layout
