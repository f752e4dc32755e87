#include "client/fetched.h"

#include "protocol/record/batch.h"
#include "protocol/record/crc32c.h"

namespace penstock::client {

Result<BatchesSummary> look_through(ByteView batches, Offset position, std::uint32_t header_crc) {
  BatchesSummary summary;
  std::uint32_t crc = 0;
  Offset at_least = Offset(0);
  for (bool first = true; !batches.empty(); first = false) {
    auto batch = record::BatchView::parse(batches);
    if (!batch) {
      return fail(std::move(batch).error().context("fetched at offset " +
                                                   std::to_string(position.value())));
    }
    const bool in_order = batch->base_offset() >= at_least && batch->last_offset_delta() >= 0 &&
                          (!first || batch->end_offset() > position);
    if (!in_order) {
      return fail(Errc::kInvalidBatch,
                  "fetched at offset " + std::to_string(position.value()) +
                      ": a batch of offsets " + std::to_string(batch->base_offset().value()) +
                      " to " + std::to_string(batch->last_offset().value()) + " is out of order");
    }
    crc = record::crc32c(batch->bytes().first(record::kUncheckedPrefixSize), crc);
    if (!batch->is_control()) {
      summary.records += static_cast<std::uint64_t>(std::max(batch->record_count(), 0));
    }
    summary.next = at_least = batch->end_offset();
    batches = batches.subspan(batch->size());
  }
  if (crc != header_crc) {
    return fail(Errc::kBadChecksum, "headers of the batches fetched at offset " +
                                        std::to_string(position.value()) +
                                        " do not fit their checksum");
  }
  return summary;
}

Status verify_checksums(ByteView batches) {
  while (!batches.empty()) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(batches));
    if (Status status = batch.verify_crc(); !status) {
      return fail(std::move(status).error().context("batch at offset " +
                                                    std::to_string(batch.base_offset().value())));
    }
    batches = batches.subspan(batch.size());
  }
  return {};
}

}  // namespace penstock::client
