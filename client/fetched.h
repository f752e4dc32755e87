// Looks through fetched batches: their structure and checksums, before anybody relies on them.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::client {

struct BatchesSummary {
  Offset next;                // behind the last batch
  std::uint64_t records = 0;  // as the headers say, without control batches
};

// Structure and order of whole batches, the first of which holds `position` or lies behind it, and
// the bytes 0..20 of each against `header_crc`. Cheap: touches headers only. kInvalidBatch,
// kBadChecksum; the messages name the offset.
Result<BatchesSummary> look_through(ByteView batches, Offset position, std::uint32_t header_crc);

// CRC-32C of every batch; precondition: look_through() found them in order. kBadChecksum.
Status verify_checksums(ByteView batches);

}  // namespace penstock::client
