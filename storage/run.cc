#include "storage/run.h"

#include <xxhash.h>

#include <algorithm>
#include <string>

#include "protocol/record/crc32c.h"

namespace penstock::storage {

std::uint64_t header_hash(const record::BatchView& batch) {
  return XXH3_64bits(batch.bytes().data(), record::kUncheckedPrefixSize);
}

bool admits(const Run& run, const record::BatchView& batch) {
  return run.empty() || run.last_epoch == batch.leader_epoch().value();
}

void extend(Run& run, Offset segment_base, const record::BatchView& batch, Timestamp now) {
  run.end_delta = static_cast<std::uint32_t>(batch.end_offset() - segment_base);
  run.length += static_cast<std::uint32_t>(batch.size());
  ++run.batch_count;
  run.last_epoch = batch.leader_epoch().value();
  run.header_crc =
      record::crc32c(batch.bytes().first(record::kUncheckedPrefixSize), run.header_crc);
  // What consensus writes is no record: its time would hide earlier ones that come behind it.
  if (!batch.is_control()) {
    run.max_timestamp_ms = std::max(run.max_timestamp_ms, batch.max_timestamp().ms());
  }
  run.appended_ms = now.ms();
  run.digest += header_hash(batch);
}

Run next_run(const Run& run) {
  Run next = run;
  next.base_delta = run.end_delta;
  next.position = run.end_position();
  next.length = 0;
  next.batch_count = 0;
  next.header_crc = 0;
  return next;
}

Status check_run_headers(const Run& run, Offset segment_base, ByteView bytes) {
  if (bytes.size() != run.length) return fail(Errc::kCorrupt, "the file ends inside the range");
  Offset expected = segment_base + run.base_delta;
  std::uint32_t crc = 0;
  std::uint32_t count = 0;
  while (!bytes.empty()) {
    const auto batch = record::BatchView::parse(bytes);
    if (!batch) return fail(Errc::kCorrupt, batch.error().message());
    if (batch->base_offset() != expected) {
      return fail(Errc::kCorrupt, "base offset " + std::to_string(batch->base_offset().value()) +
                                      " where " + std::to_string(expected.value()) +
                                      " should stand");
    }
    crc = record::crc32c(bytes.first(record::kUncheckedPrefixSize), crc);
    expected = batch->end_offset();
    ++count;
    bytes = bytes.subspan(batch->size());
  }
  if (count != run.batch_count || expected != segment_base + run.end_delta ||
      crc != run.header_crc) {
    return fail(Errc::kCorrupt, "batch headers differ from their checksum in the index");
  }
  return {};
}

bool covers(std::span<const Run> runs, std::uint32_t end_position, std::uint32_t end_delta) {
  std::uint32_t position = 0;
  std::uint32_t delta = 0;
  for (const Run& run : runs) {
    if (run.position != position || run.base_delta != delta) return false;
    position = run.end_position();
    delta = run.end_delta;
  }
  return position == end_position && delta == end_delta;
}

}  // namespace penstock::storage
