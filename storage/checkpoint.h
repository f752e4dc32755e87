// Checkpoint: the persisted durable watermark of one log, and where its log begins.
//
// Invariants: everything below `end` was flushed and its side files were synced before this was
// written; bytes there that fail a check are damage, never a torn tail. The newest valid slot
// counts; the other one is the one that is written next.
// Format: two slots of 512 bytes at 0 and 4096 of an 8192-byte file, little-endian, each with its
// CRC-32C. docs/storage_format.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/types.h"
#include "storage/compaction_state.h"
#include "storage/options.h"
#include "storage/run.h"

namespace penstock::storage {

inline constexpr std::size_t kSlotBytes = 512;
inline constexpr std::size_t kSlotCount = 2;
inline constexpr std::size_t kSlotStride = 4096;
inline constexpr std::size_t kCheckpointFileBytes = kSlotStride * kSlotCount;
inline constexpr std::uint32_t kCheckpointVersion = 1;

// A place in the log between two batches, with all that is needed to go on from there.
struct LogPoint {
  Offset segment_base;
  Run open;  // the run that ends here; later batches extend it
  Timestamp segment_created;

  Offset end() const { return segment_base + open.end_delta; }
  std::uint64_t position() const { return open.end_position(); }
  Term epoch() const { return Term(open.last_epoch); }
  friend bool operator==(const LogPoint&, const LogPoint&) = default;
};

struct Checkpoint {
  LogIdentity identity;
  std::uint64_t sequence = 0;
  Offset log_start;
  Term start_term;                  // of the record before log_start; -1: none, or not known
  LogPoint point;                   // the durable watermark
  std::uint32_t index_entries = 0;  // runs of point's segment that its side file holds
  CompactionState compaction;
  bool clean = false;  // closed: nothing lies beyond `point` (only skips looking for it)
  bool cut = false;    // whatever lies beyond `point` is to be removed, not recovered
};

using SlotBytes = std::array<std::byte, kSlotBytes>;

SlotBytes encode(const Checkpoint& checkpoint);
// None when the bytes are no slot of this version, or contradict themselves.
std::optional<Checkpoint> decode_checkpoint(ByteView slot);

// True for an intact slot of a version that this build does not know. Every version keeps magic,
// version and CRC where they are.
bool is_other_version(ByteView slot);

struct NewestSlot {
  Checkpoint checkpoint;
  std::size_t slot = 0;
};
// The valid slot with the highest sequence of a whole checkpoint file.
std::optional<NewestSlot> newest_slot(ByteView file);

}  // namespace penstock::storage
