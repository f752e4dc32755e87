// The numbers of an idempotent producer, written into a batch that is encoded already.
//
// Precondition: a whole batch. The CRC is computed again.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "protocol/record/sequence.h"

namespace penstock::record {

void assign_numbers(MutableByteView batch, const ProducerIdentity& producer,
                    std::int32_t first_sequence);

}  // namespace penstock::record
