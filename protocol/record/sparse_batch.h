// Sparse batches: those that hold fewer records than offsets, as key compaction leaves them.
//
// Invariants: first and last offset, leader epoch and producer are those of the batch that was
// appended, so that offsets stay contiguous and a producer's numbers can be told; records that stay
// keep their bytes. The largest timestamp is that of the records that are left (with an append
// time: the same as before); a batch without records has none, -1, so that nobody looks for one in
// it. Failure: kBatchTooLarge when the records fit no batch.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"

namespace penstock::record {

// Whether offsets of the batch have no record.
inline bool is_sparse(const BatchView& batch) {
  return batch.record_count() <= batch.last_offset_delta();
}

// Whether its attributes say nothing but the codec and the type of timestamps: nothing of it is
// lost with records that go.
bool is_plain(const BatchView& batch);

// Whether nothing but offsets and a leader epoch is told by it: no record, and no producer. Such a
// batch may be split and joined anywhere.
bool is_bare(const BatchView& batch);

// `original` with `count` of its records: `kept`, uncompressed, one behind the other as they stood.
// Compressed as `original` is, unless readers could not take that or it saves nothing.
// Precondition: count > 0.
Result<Bytes> with_records(const BatchView& original, ByteView kept, std::int32_t count,
                           Timestamp max_timestamp);

// `original` without any of its records; says still whose it was.
Bytes without_records(const BatchView& original);

// The offsets [begin, end) without records, all of one leader epoch. Precondition: begin < end, at
// most 2^31 offsets.
Bytes bare_batch(Offset begin, Offset end, Term epoch);

}  // namespace penstock::record
