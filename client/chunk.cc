// The walk over the records of a chunk.
#include <utility>

#include "client/consumer.h"
#include "protocol/record/batch.h"

namespace penstock::client {

Chunk::Chunk(std::string topic, PartitionId partition, SharedBytes batches, Offset from,
             Offset next, Offset high_watermark, record::DecompressLimits limits)
    : topic_(std::move(topic)),
      partition_(partition),
      batches_(std::move(batches)),
      from_(from),
      next_(next),
      high_watermark_(high_watermark),
      limits_(limits) {}

Result<std::optional<record::RecordView>> Chunk::next() {
  while (true) {
    if (records_) {
      PENSTOCK_TRY_ASSIGN(auto record, records_->next());
      if (record && record->offset < from_) continue;
      if (record) return record;
      records_.reset();
    }
    const ByteView rest = batches_.view().subspan(position_);
    if (rest.empty()) return std::nullopt;
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    position_ += batch.size();
    if (batch.is_control() || batch.end_offset() <= from_) continue;
    PENSTOCK_TRY_ASSIGN(records_, record::Records::open(batch, limits_));
    leader_epoch_ = batch.leader_epoch();
  }
}

}  // namespace penstock::client
