// CRC-32C (Castagnoli), the checksum of record batches and of all our own files and frames.
//
// Format: reflected polynomial 0x82F63B78, initial value and final xor 0xFFFFFFFF (RFC 3720,
// appendix B.4): crc32c("123456789") = 0xE3069283. Threads: pure.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace penstock::record {

// Extends `crc`, the checksum of what came before (0 for nothing), by `bytes`:
// crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0);

// The implementation that needs no special instruction; for tests and for other machines.
std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t crc = 0);

}  // namespace penstock::record
