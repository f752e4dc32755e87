#include "archiver/parquet.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "archiver/limits.h"
#include "archiver/row_appender.h"

namespace penstock::archiver {
namespace {

constexpr const char* kTable = "archived_chunk";

// Rows of a row group such that none holds more than about kRowGroupBytes.
std::uint64_t row_group_rows(std::uint64_t max_vector_bytes) {
  const std::uint64_t vectors = kRowGroupBytes / std::max<std::uint64_t>(1, max_vector_bytes);
  return std::clamp(vectors * kMinRowGroupRows, kMinRowGroupRows, kMaxRowGroupRows);
}

std::optional<ByteView> nullable(const engine::ColumnView& column, std::size_t row) {
  if (column.is_null(row)) return std::nullopt;
  return column.bytes(row);
}

// One block of what read_parquet() selects.
class RowReader {
 public:
  explicit RowReader(const engine::Block& block)
      : offsets_(block.column(0)),
        timestamps_(block.column(1)),
        epochs_(block.column(2)),
        keys_(block.column(3)),
        values_(block.column(4)),
        headers_(block.column(5)),
        header_(headers_.list_child()),
        header_keys_(header_.struct_field(0)),
        header_values_(header_.struct_field(1)) {}

  Status visit(std::size_t row, const RecordVisitor& visitor) const {
    if (offsets_.is_null(row) || timestamps_.is_null(row) || epochs_.is_null(row) ||
        headers_.is_null(row)) {
      return fail(Errc::kCorrupt, "a row without offset, timestamp, leader epoch or headers");
    }
    PENSTOCK_TRY_ASSIGN(const auto headers, headers_of(row));
    const Bytes encoded = headers.empty() ? Bytes() : record::encode_headers(headers);
    visitor({.offset = Offset(offsets_.int64(row)),
             .timestamp = Timestamp(timestamps_.int64(row)),
             .key = nullable(keys_, row),
             .value = nullable(values_, row),
             .headers = {static_cast<std::int32_t>(headers.size()), encoded}},
            Term(epochs_.int32(row)));
    return {};
  }

 private:
  Result<std::vector<record::HeaderView>> headers_of(std::size_t row) const {
    const auto [begin, size] = headers_.list(row);
    std::vector<record::HeaderView> headers;
    for (std::size_t i = begin; i < begin + size; ++i) {
      if (header_.is_null(i) || header_keys_.is_null(i)) {
        return fail(Errc::kCorrupt, "a header without key");
      }
      headers.push_back(
          {.key = as_text(header_keys_.bytes(i)), .value = nullable(header_values_, i)});
    }
    return headers;
  }

  engine::ColumnView offsets_;
  engine::ColumnView timestamps_;
  engine::ColumnView epochs_;
  engine::ColumnView keys_;
  engine::ColumnView values_;
  engine::ColumnView headers_;
  engine::ColumnView header_;
  engine::ColumnView header_keys_;
  engine::ColumnView header_values_;
};

Status visit_rows(engine::QueryResult& rows, const RecordVisitor& visit) {
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto block, rows.next());
    if (!block) return {};
    const RowReader reader(*block);
    for (std::size_t row = 0; row < block->rows(); ++row) PENSTOCK_TRY(reader.visit(row, visit));
  }
}

}  // namespace

void RecordFigures::add(const record::RecordView& record, Term leader_epoch) {
  ++records;
  hash_sum += record::hash_record(record, leader_epoch);
  min_timestamp = std::min(min_timestamp.value_or(record.timestamp), record.timestamp);
  max_timestamp = std::max(max_timestamp.value_or(record.timestamp), record.timestamp);
}

ParquetWriter::ParquetWriter(engine::Connection& connection, std::unique_ptr<RowAppender> rows)
    : connection_(connection), rows_(std::move(rows)) {}
ParquetWriter::ParquetWriter(ParquetWriter&&) noexcept = default;

ParquetWriter::~ParquetWriter() {
  if (!rows_) return;
  rows_.reset();
  // What is left is replaced by the next writer in any case; freeing it now is a courtesy.
  (void)connection_.run(fmt::format("DROP TABLE IF EXISTS {}", kTable));
}

Result<ParquetWriter> ParquetWriter::begin(engine::Connection& connection) {
  PENSTOCK_TRY(
      connection.run(fmt::format("CREATE OR REPLACE TABLE {} ({})", kTable, kRecordColumns)));
  PENSTOCK_TRY_ASSIGN(auto rows, RowAppender::open(connection, kTable));
  return ParquetWriter(connection, std::move(rows));
}

Status ParquetWriter::append(const record::RecordView& record, Term leader_epoch) {
  PENSTOCK_TRY(rows_->append(record, leader_epoch));
  figures_.add(record, leader_epoch);
  const std::uint64_t size = (record.key ? record.key->size() : 0) +
                             (record.value ? record.value->size() : 0) +
                             record.headers.encoded().size();
  raw_bytes_ += size;
  vector_bytes_ += size;
  max_vector_bytes_ = std::max(max_vector_bytes_, vector_bytes_);
  if (figures_.records % kMinRowGroupRows == 0) vector_bytes_ = 0;
  return {};
}

bool ParquetWriter::full() const {
  return figures_.records >= kMaxChunkRecords || raw_bytes_ >= kMaxChunkRawBytes ||
         vector_bytes_ >= kMaxVectorBytes;
}

Status ParquetWriter::finish(const std::string& path) {
  PENSTOCK_TRY(rows_->close());
  // The engine keeps the order of insertion, which is that of the offsets.
  return connection_.run(
      fmt::format("COPY {} TO {} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {})", kTable,
                  engine::literal(path), row_group_rows(max_vector_bytes_)));
}

Status read_parquet(engine::Connection& connection, const std::string& location,
                    const RecordVisitor& visit) {
  // A folder named offset=7 is no column.
  const std::string file =
      fmt::format("read_parquet([{}], hive_partitioning = false)", engine::literal(location));
  const std::string columns = "\"offset\", timestamp_ms, leader_epoch, \"key\", \"value\", headers";
  auto statement = connection.prepare("SELECT " + columns + " FROM " + file);
  if (!statement) {
    return fail(Errc::kCorrupt, location + ": " + statement.error().message());
  }
  PENSTOCK_TRY_ASSIGN(
      const auto types,
      connection.text_of("SELECT string_agg(column_type, ';') FROM (DESCRIBE SELECT " + columns +
                         " FROM " + file + ")"));
  if (types != "BIGINT;BIGINT;INTEGER;BLOB;BLOB;STRUCT(\"key\" BLOB, \"value\" BLOB)[]") {
    return fail(Errc::kCorrupt, location + ": columns of types " + types.value_or("none"));
  }
  auto rows = statement->stream();
  if (!rows) return std::unexpected(std::move(rows).error().context(location));
  auto visited = visit_rows(*rows, visit);
  if (!visited) return std::unexpected(std::move(visited).error().context(location));
  return {};
}

}  // namespace penstock::archiver
