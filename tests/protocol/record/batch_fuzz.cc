// Any bytes as a batch, the way every reader of foreign bytes goes: parse, verify, iterate. Once as
// they are, and once with length and checksum made to fit, so that structure is reached behind
// them.
//
// Built by libFuzzer with PENSTOCK_FUZZ=ON; always built with corpus_driver.cc, which runs the
// committed seeds as a test.
#include <cstdint>

#include "base/assert.h"
#include "tests/protocol/record/sample_records.h"

namespace penstock::record {
namespace {

constexpr DecompressLimits kLimits{
    .max_bytes = 1U << 20, .max_ratio = 100, .ratio_floor_bytes = 64U << 10};

void read_as_consumer(ByteView bytes) {
  const Result<BatchView> batch = BatchView::parse(bytes);
  if (!batch) return;
  PENSTOCK_ASSERT(batch->size() <= bytes.size(), "a view stays within its bytes");
  (void)batch->verify_crc();
  Result<Records> records = Records::open(*batch, kLimits);
  if (!records) return;
  std::int64_t count = 0;
  Offset previous = batch->base_offset() - 1;
  Hash128 sum;
  while (true) {
    const Result<std::optional<RecordView>> next = records->next();
    if (!next) return;
    if (!*next) break;
    const RecordView& record = **next;
    PENSTOCK_ASSERT(record.offset > previous, "offsets rise");
    PENSTOCK_ASSERT(record.offset <= batch->last_offset(), "offsets stay within the batch");
    previous = record.offset;
    ++count;
    PENSTOCK_ASSERT(std::ssize(record.headers.decode()) == record.headers.size(),
                    "headers of a returned record decode");
    sum += hash_record(record, batch->leader_epoch());
  }
  PENSTOCK_ASSERT(count == batch->record_count(), "all counted records came");
}

}  // namespace
}  // namespace penstock::record

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  using namespace penstock::record;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  read_as_consumer(bytes);
  if (size < kHeaderSize) return 0;
  Bytes sealed(bytes.begin(), bytes.end());
  reseal(sealed);
  read_as_consumer(sealed);
  return 0;
}
