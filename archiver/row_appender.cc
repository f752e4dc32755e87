#include "archiver/row_appender.h"

#include <utility>

#include "archiver/limits.h"

namespace penstock::archiver {
namespace {

enum Column : std::size_t { kOffset, kTimestamp, kEpoch, kKey, kValue, kHeaders };

class LogicalType {
 public:
  explicit LogicalType(duckdb_logical_type type) : type_(type) {}
  ~LogicalType() { duckdb_destroy_logical_type(&type_); }
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  duckdb_logical_type get() const { return type_; }

 private:
  duckdb_logical_type type_;
};

template <typename T>
void put(duckdb_vector column, std::size_t row, T value) {
  static_cast<T*>(duckdb_vector_get_data(column))[row] = value;
}

void put_bytes(duckdb_vector column, std::size_t row, const std::optional<ByteView>& bytes) {
  if (bytes) {
    const std::string_view text = as_text(*bytes);
    duckdb_vector_assign_string_element_len(column, row, text.data() == nullptr ? "" : text.data(),
                                            text.size());
  } else {
    duckdb_vector_ensure_validity_writable(column);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(column), row);
  }
}

std::size_t size_of(const std::optional<ByteView>& bytes) { return bytes ? bytes->size() : 0; }

duckdb_data_chunk create_block() {
  const LogicalType bigint(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT));
  const LogicalType integer(duckdb_create_logical_type(DUCKDB_TYPE_INTEGER));
  const LogicalType blob(duckdb_create_logical_type(DUCKDB_TYPE_BLOB));
  std::array<duckdb_logical_type, 2> fields{blob.get(), blob.get()};
  std::array<const char*, 2> names{"key", "value"};
  const LogicalType header(duckdb_create_struct_type(fields.data(), names.data(), fields.size()));
  const LogicalType headers(duckdb_create_list_type(header.get()));
  std::array<duckdb_logical_type, 6> types{bigint.get(), bigint.get(), integer.get(),
                                           blob.get(),   blob.get(),   headers.get()};
  return duckdb_create_data_chunk(types.data(), types.size());
}

}  // namespace

Result<std::unique_ptr<RowAppender>> RowAppender::open(engine::Connection& connection,
                                                       const std::string& table) {
  std::unique_ptr<RowAppender> rows(new RowAppender);
  if (duckdb_appender_create(connection.raw(), nullptr, table.c_str(), &rows->appender_) !=
      DuckDBSuccess) {
    return std::unexpected(engine::engine_error(duckdb_appender_error(rows->appender_)));
  }
  rows->block_ = create_block();
  if (rows->block_ == nullptr) return fail(Errc::kSqlError, "create a block of rows");
  rows->begin_block();
  return rows;
}

RowAppender::~RowAppender() {
  duckdb_destroy_data_chunk(&block_);
  duckdb_appender_destroy(&appender_);
}

void RowAppender::begin_block() {
  duckdb_data_chunk_reset(block_);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    columns_[i] = duckdb_data_chunk_get_vector(block_, i);
  }
  rows_ = 0;
  header_rows_ = 0;
  block_bytes_ = 0;
}

Status RowAppender::append(const record::RecordView& record, Term leader_epoch) {
  put(columns_[kOffset], rows_, record.offset.value());
  put(columns_[kTimestamp], rows_, record.timestamp.ms());
  put(columns_[kEpoch], rows_, leader_epoch.value());
  put_bytes(columns_[kKey], rows_, record.key);
  put_bytes(columns_[kValue], rows_, record.value);
  PENSTOCK_TRY(append_headers(record.headers));
  block_bytes_ += size_of(record.key) + size_of(record.value) + record.headers.encoded().size();
  ++rows_;
  if (rows_ == duckdb_vector_size() || block_bytes_ >= kRowBlockBytes) return send_block();
  return {};
}

Status RowAppender::append_headers(const record::HeadersView& headers) {
  duckdb_vector column = columns_[kHeaders];
  put(column, rows_,
      duckdb_list_entry{.offset = header_rows_, .length = static_cast<idx_t>(headers.size())});
  if (headers.empty()) return {};
  const std::vector<record::HeaderView> decoded = headers.decode();
  const std::size_t total = header_rows_ + decoded.size();
  if (duckdb_list_vector_reserve(column, total) != DuckDBSuccess ||
      duckdb_list_vector_set_size(column, total) != DuckDBSuccess) {
    return fail(Errc::kSqlError, "room for the headers of a record");
  }
  duckdb_vector header = duckdb_list_vector_get_child(column);
  for (const record::HeaderView& one : decoded) {
    put_bytes(duckdb_struct_vector_get_child(header, 0), header_rows_, as_bytes(one.key));
    put_bytes(duckdb_struct_vector_get_child(header, 1), header_rows_, one.value);
    ++header_rows_;
  }
  return {};
}

Status RowAppender::send_block() {
  if (rows_ == 0) return {};
  duckdb_data_chunk_set_size(block_, rows_);
  if (duckdb_append_data_chunk(appender_, block_) != DuckDBSuccess) {
    return std::unexpected(engine::engine_error(duckdb_appender_error(appender_)));
  }
  unflushed_bytes_ += block_bytes_;
  begin_block();
  if (unflushed_bytes_ < kRowGroupBytes) return {};
  unflushed_bytes_ = 0;  // what is flushed counts against the engine's limit and may be spilled
  if (duckdb_appender_flush(appender_) != DuckDBSuccess) {
    return std::unexpected(engine::engine_error(duckdb_appender_error(appender_)));
  }
  return {};
}

Status RowAppender::close() {
  PENSTOCK_TRY(send_block());
  if (duckdb_appender_close(appender_) != DuckDBSuccess) {
    return std::unexpected(engine::engine_error(duckdb_appender_error(appender_)));
  }
  return {};
}

}  // namespace penstock::archiver
