// Records to and from Parquet objects, byte for byte.
//
// Format (docs/archive_format.md): `offset` BIGINT, `timestamp_ms` BIGINT, `leader_epoch` INTEGER,
// `key` and `value` BLOB (NULL is null, which is not empty), `headers` LIST of STRUCT of `key` BLOB
// and `value` BLOB; zstd; rows in offset order. Timestamps are raw milliseconds, so that negative
// ones and "none" (-1) survive.
// Failure: kSqlError with the engine's message, kDiskFull; reading anything that is not such a file
// is kCorrupt.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "archiver/duckdb.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/record.h"

namespace penstock::archiver {

struct RecordFigures {
  std::uint64_t records = 0;
  record::Hash128 hash_sum;
  std::optional<Timestamp> min_timestamp;
  std::optional<Timestamp> max_timestamp;

  void add(const record::RecordView& record, Term leader_epoch);
  friend bool operator==(const RecordFigures&, const RecordFigures&) = default;
};

class RowAppender;

// Collects the records of one object in the engine (which spills to disk over its memory limit) and
// writes them in one go.
class ParquetWriter {
 public:
  // One writer at a time on a connection.
  static Result<ParquetWriter> begin(engine::Connection& connection);
  ~ParquetWriter();
  ParquetWriter(ParquetWriter&&) noexcept;
  ParquetWriter& operator=(ParquetWriter&&) = delete;

  Status append(const record::RecordView& record, Term leader_epoch);
  // Writes the file, replacing what is at `path`; not yet durable. The writer is of no use
  // afterwards.
  Status finish(const std::string& path);

  const RecordFigures& figures() const { return figures_; }
  // An object of more records would be over a limit of limits.h.
  bool full() const;

 private:
  ParquetWriter(engine::Connection& connection, std::unique_ptr<RowAppender> rows);

  engine::Connection& connection_;
  std::unique_ptr<RowAppender> rows_;
  RecordFigures figures_;
  std::uint64_t raw_bytes_ = 0;         // of keys, values and headers
  std::uint64_t vector_bytes_ = 0;      // of the last, incomplete kMinRowGroupRows rows
  std::uint64_t max_vector_bytes_ = 0;  // of any kMinRowGroupRows rows
};

// The view lives during the call.
using RecordVisitor = std::function<void(const record::RecordView&, Term leader_epoch)>;

// Visits the records of the Parquet file at `location` in the order of its rows.
Status read_parquet(engine::Connection& connection, const std::string& location,
                    const RecordVisitor& visit);

}  // namespace penstock::archiver
