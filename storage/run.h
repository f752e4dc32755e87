// Run: a stretch of consecutive batches of one segment, and all that is needed to find and check
// it.
//
// Invariants: runs of a segment follow each other without a gap in offsets and in bytes; the
// cumulative fields (max_timestamp_ms, digest) speak of everything from the segment's start to this
// run's end. header_crc covers bytes 0..20 of every batch of the run, which their own CRCs leave
// out, and these contain those CRCs: a run whose header_crc and whose batches' CRCs are right is
// right in every bit. All batches of a run have the same epoch: where terms begin can be told from
// runs alone.
// Units: deltas are offsets relative to the segment's base, positions are bytes in its .log.
// Worked example: segment base 100; a run of two batches with offsets 130..133 and 134 has
// base_delta 30, end_delta 35.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/batch.h"

namespace penstock::storage {

struct Run {
  std::uint32_t base_delta = 0;
  std::uint32_t end_delta = 0;  // half-open
  std::uint32_t position = 0;
  std::uint32_t length = 0;
  std::uint32_t batch_count = 0;
  std::int32_t last_epoch = -1;  // of its batches; carried on from before when there are none
  std::uint32_t header_crc = 0;
  std::int64_t max_timestamp_ms = -1;  // cumulative
  std::int64_t appended_ms = -1;       // wall clock of the last append
  std::uint64_t digest = 0;            // cumulative: sum modulo 2^64 of header hashes

  bool empty() const { return batch_count == 0; }
  std::uint32_t end_position() const { return position + length; }
  friend bool operator==(const Run&, const Run&) = default;
};

// Whether `batch` may be added: it has the epoch of those that are there.
bool admits(const Run& run, const record::BatchView& batch);

// Adds the batch that follows `run` in the segment.
void extend(Run& run, Offset segment_base, const record::BatchView& batch, Timestamp now);

// The empty run behind `run`.
Run next_run(const Run& run);

// XXH3-64 over bytes 0..20: the batch's share in a digest.
std::uint64_t header_hash(const record::BatchView& batch);

// Whether the headers of the bytes of `run` are the ones that were recorded: structure, offsets,
// count and header_crc. The batches' own CRCs are not checked. kCorrupt says what differs.
Status check_run_headers(const Run& run, Offset segment_base, ByteView bytes);

// Whether `runs` cover [0, end_position) and [0, end_delta) of a segment without a gap.
bool covers(std::span<const Run> runs, std::uint32_t end_position, std::uint32_t end_delta);

}  // namespace penstock::storage
