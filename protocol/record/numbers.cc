#include "protocol/record/numbers.h"

#include "base/assert.h"
#include "base/coding.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/layout.h"

namespace penstock::record {

void assign_numbers(MutableByteView batch, const ProducerIdentity& producer,
                    std::int32_t first_sequence) {
  PENSTOCK_ASSERT(batch.size() > layout::kBaseSequence + sizeof(first_sequence),
                  "a batch has a whole header");
  store_be(batch.data() + layout::kProducerId, producer.id);
  store_be(batch.data() + layout::kProducerEpoch, producer.epoch);
  store_be(batch.data() + layout::kBaseSequence, first_sequence);
  store_be(batch.data() + layout::kCrc, crc32c(batch.subspan(layout::kAttributes)));
}

}  // namespace penstock::record
