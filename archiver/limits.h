// The named limits of the archiver, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock::archiver {

// Largest manifest that is read: about 200,000 chunks of a partition, years at the default roll
// settings. A larger file is damage, not a manifest.
inline constexpr std::uint64_t kMaxManifestBytes = 128ULL << 20;

// Records of one chunk: verification may hold an offset and a hash of each (24 bytes) to find what
// differs.
inline constexpr std::uint64_t kMaxChunkRecords = 4ULL << 20;
// Rows that an object may claim before verification refuses to search it for differences.
inline constexpr std::uint64_t kMaxSearchedRows = 2 * kMaxChunkRecords;
// Longest that records may wait for their object: thirty days, beyond any sensible retention.
inline constexpr std::int64_t kMaxChunkAgeMs = 30LL * 24 * 3600 * 1000;

// Bytes of keys, values and headers written into one object before it is closed early: batches are
// compressed up to a hundredfold, so the size of what was fetched does not bound this.
inline constexpr std::uint64_t kMaxChunkRawBytes = 256ULL << 20;

// Keys, values and headers held in one block of rows on the way to and from the SQL engine; with
// its 2048 rows of at most 16 MiB each, a block would not be bounded otherwise.
inline constexpr std::size_t kRowBlockBytes = 4U << 20;
// Raw bytes that a Parquet row group aims at: the engine holds one about three times in memory
// while it writes.
inline constexpr std::uint64_t kRowGroupBytes = 32ULL << 20;
// The engine's smallest row group (its vector size) and its default.
inline constexpr std::uint64_t kMinRowGroupRows = 2048;
inline constexpr std::uint64_t kMaxRowGroupRows = 122'880;
// Raw bytes of that many rows at which an object is closed early: a row group cannot be smaller.
inline constexpr std::uint64_t kMaxVectorBytes = 48ULL << 20;
// Least memory for the engine of a worker: three times a row group of kMaxVectorBytes and one more
// batch of 16 MiB, and what spilling itself needs.
inline constexpr std::size_t kMinWorkerSqlMb = 256;

// Pieces in which files are read to be hashed or copied.
inline constexpr std::size_t kCopyBytes = 1U << 20;

// Pause of a worker that another one took a partition from: long enough for that one to commit.
inline constexpr std::int64_t kOvertakenPauseMs = 60'000;

// First pause and longest pause between two attempts at something that failed: short enough to go
// on at once after a restart of the broker, long enough not to load a machine that is in trouble.
inline constexpr std::int64_t kFirstRetryMs = 200;
inline constexpr std::int64_t kMaxRetryMs = 10'000;

// Values that the structure of a JSON topic is inferred from; when there are more, whole objects
// spread evenly over the archive are read until this many were seen.
inline constexpr std::uint64_t kInferredValues = 500'000;
// Fields of a JSON object that become columns; objects used as maps have no bound of their own.
inline constexpr std::size_t kMaxJsonColumns = 1000;
// Fields of a nested object that become a STRUCT; larger ones stay JSON.
inline constexpr std::size_t kMaxNestedFields = 200;
// Nesting that is followed; deeper values stay JSON.
inline constexpr std::size_t kMaxJsonDepth = 16;

// Rows that a pretty table holds back to align them; further ones are counted only.
inline constexpr std::size_t kMaxTableRows = 10'000;
// Narrowest that a column is made to fit a terminal.
inline constexpr std::size_t kMinColumnWidth = 6;

}  // namespace penstock::archiver
