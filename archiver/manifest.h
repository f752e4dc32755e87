// Manifest: what the archive of one partition consists of; its commit point and only position.
//
// Invariants (decode() checks them all): from `start` to end(), chunks and lost ranges follow each
// other without gap or overlap; an offset range is [base, end) and covers what lies between its
// records (control batches, removed records), so a chunk may hold fewer records than offsets, or
// none; `lost` names what retention removed from the log before it was archived; every object lies
// in the partition's own folder.
// Format: JSON of fixed layout, one chunk a line; its last field is the XXH3-128 of every byte
// before it, so a manifest is what a worker wrote or it is kCorrupt. Described in
// docs/archive_format.md.
// Failure: kCorrupt for anything else than a manifest, kUnsupportedVersion for a later format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/record.h"

namespace penstock::archiver {

inline constexpr std::int64_t kManifestVersion = 1;

struct ChunkEntry {
  std::string object;
  Offset base;
  Offset end;
  std::uint64_t records = 0;
  std::optional<Timestamp> min_timestamp;  // of its records; none without records
  std::optional<Timestamp> max_timestamp;
  record::Hash128 hash_sum;  // of hash_record() over its records
  std::uint64_t size_bytes = 0;
  record::Hash128 object_hash;  // XXH3-128 of the object's bytes
  Timestamp closed_at;
  friend bool operator==(const ChunkEntry&, const ChunkEntry&) = default;
};

struct LostRange {
  Offset base;
  Offset end;
  Timestamp noticed_at;
  friend bool operator==(const LostRange&, const LostRange&) = default;
};

struct Manifest {
  std::string topic;
  Uuid topic_id;
  PartitionId partition;
  // Raised by every worker that takes the partition over: whoever held it before can no longer
  // replace the manifest.
  std::uint64_t generation = 0;
  Offset start;                    // log start when archiving began
  std::vector<ChunkEntry> chunks;  // in order
  std::vector<LostRange> lost;     // in order

  // First offset that is not archived.
  Offset end() const;
  std::uint64_t records() const;
  std::int64_t lost_offsets() const;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

// kCorrupt when the invariants do not hold.
Status check(const Manifest& manifest);

// Precondition: check() succeeds.
Bytes encode(const Manifest& manifest);
Result<Manifest> decode(ByteView bytes);

// "orders/3/manifest.json"
std::string manifest_name(const std::string& topic, PartitionId partition);

// kForeignData when the manifest that was found at `object` is another partition's.
Status check_place(const Manifest& manifest, std::string_view object);

struct ManifestName {
  std::string topic;
  PartitionId partition;
};
// None when `object` is not a manifest's name.
std::optional<ManifestName> parse_manifest_name(std::string_view object);

}  // namespace penstock::archiver
