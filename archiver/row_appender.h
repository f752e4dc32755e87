// RowAppender: records into a table of the SQL engine, block by block.
//
// Lifetime: the table and the connection outlive it. Failure: after a failed call it is of no use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "archiver/duckdb.h"
#include "base/result.h"
#include "protocol/record/record.h"

namespace penstock::archiver {

// Columns of the table that a RowAppender fills, as SQL.
inline constexpr const char* kRecordColumns =
    "\"offset\" BIGINT, timestamp_ms BIGINT, leader_epoch INTEGER, \"key\" BLOB, \"value\" BLOB, "
    "headers STRUCT(\"key\" BLOB, \"value\" BLOB)[]";

class RowAppender {
 public:
  static Result<std::unique_ptr<RowAppender>> open(engine::Connection& connection,
                                                   const std::string& table);
  ~RowAppender();
  RowAppender(const RowAppender&) = delete;
  RowAppender& operator=(const RowAppender&) = delete;

  Status append(const record::RecordView& record, Term leader_epoch);
  // Makes all rows visible to queries; no append afterwards.
  Status close();

 private:
  RowAppender() = default;
  Status append_headers(const record::HeadersView& headers);
  Status send_block();
  void begin_block();

  duckdb_appender appender_ = nullptr;
  duckdb_data_chunk block_ = nullptr;
  std::array<duckdb_vector, 6> columns_{};
  std::size_t rows_ = 0;
  std::size_t header_rows_ = 0;
  std::size_t block_bytes_ = 0;
  std::size_t unflushed_bytes_ = 0;
};

}  // namespace penstock::archiver
