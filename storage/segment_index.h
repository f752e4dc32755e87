// The side file of a segment (.idx): where its runs are, what proves them right, whose they are.
//
// Format: a 64-byte header, then 64-byte entries, little-endian, each with a CRC-32C that also
// covers the header before it, so that an entry of another segment or partition is not taken for
// one of this. A sealed segment's file ends with one seal entry. docs/storage_format.md.
// Failure: decoding never trusts: what fails its checksum is as if it were not there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/types.h"
#include "storage/options.h"
#include "storage/run.h"

namespace penstock::storage {

inline constexpr std::size_t kIndexHeaderBytes = 64;
inline constexpr std::size_t kIndexEntryBytes = 64;
inline constexpr std::uint32_t kIndexVersion = 1;

struct IndexHeader {
  LogIdentity identity;
  Offset segment_base;
  Timestamp created;
};

using IndexHeaderBytes = std::array<std::byte, kIndexHeaderBytes>;
using IndexEntryBytes = std::array<std::byte, kIndexEntryBytes>;

enum class EntryKind : std::uint8_t { kRun = 1, kSeal = 2 };

IndexHeaderBytes encode(const IndexHeader& header);
// None when the bytes are no header of this version.
std::optional<IndexHeader> decode_index_header(ByteView bytes);

// A seal is the empty run at the segment's end.
IndexEntryBytes encode_entry(EntryKind kind, const Run& run, const IndexHeaderBytes& header);

struct IndexEntry {
  EntryKind kind;
  Run run;
};
std::optional<IndexEntry> decode_entry(ByteView bytes, const IndexHeaderBytes& header);

// A whole side file, as far as it can be believed.
struct IndexContents {
  std::optional<IndexHeader> header;
  std::vector<Run> runs;    // up to the first entry that is missing or bad
  std::optional<Run> seal;  // present when it stands right behind the runs
  std::uint64_t believed_bytes = 0;
};
IndexContents decode_index(ByteView file);

// Position of entry number `n` in the file.
constexpr std::uint64_t entry_position(std::uint64_t n) {
  return kIndexHeaderBytes + n * kIndexEntryBytes;
}

// The fields of a run as they stand in an entry and in a checkpoint: kRunBytes bytes.
inline constexpr std::size_t kRunBytes = 52;
void encode_run(const Run& run, std::byte* to);
Run decode_run(const std::byte* from);

}  // namespace penstock::storage
