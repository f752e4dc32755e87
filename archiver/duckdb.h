// The embedded SQL engine behind a thin RAII adapter: database, connection, results.
//
// Only code of this folder that includes this header knows DuckDB. Extensions are neither installed
// nor loaded: Parquet, JSON and ICU are built in. Threads: one thread at a time per connection and
// what came from it. Lifetime: the database outlives its connections, a connection its results, a
// block the views into it. Failure: kSqlError with the engine's message; kDiskFull where the engine
// says that the device is full.
#pragma once

#include <duckdb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::archiver::engine {

struct DatabaseOptions {
  std::size_t memory_limit_mb = 512;
  std::size_t threads = 1;    // 0: one a core
  std::string temporary_dir;  // where the engine spills to over the limit; created when needed
};

// The values of one column of a block.
class ColumnView {
 public:
  explicit ColumnView(duckdb_vector vector);

  bool is_null(std::size_t row) const;
  std::int64_t int64(std::size_t row) const { return at<std::int64_t>(row); }
  std::int32_t int32(std::size_t row) const { return at<std::int32_t>(row); }
  // Of a VARCHAR or BLOB column.
  ByteView bytes(std::size_t row) const;
  // Of a LIST column: rows [begin, begin + size) of child().
  struct ListEntry {
    std::size_t begin;
    std::size_t size;
  };
  ListEntry list(std::size_t row) const;
  ColumnView list_child() const { return ColumnView(duckdb_list_vector_get_child(vector_)); }
  ColumnView struct_field(std::size_t index) const {
    return ColumnView(duckdb_struct_vector_get_child(vector_, index));
  }

 private:
  template <typename T>
  T at(std::size_t row) const {
    return static_cast<const T*>(data_)[row];
  }

  duckdb_vector vector_;
  void* data_;
  std::uint64_t* validity_;  // null: nothing is NULL
};

// A block of rows of a result.
class Block {
 public:
  explicit Block(duckdb_data_chunk chunk) : chunk_(chunk) {}
  std::size_t rows() const { return duckdb_data_chunk_get_size(chunk_.get()); }
  ColumnView column(std::size_t index) const {
    return ColumnView(duckdb_data_chunk_get_vector(chunk_.get(), index));
  }

 private:
  struct Destroy {
    void operator()(duckdb_data_chunk chunk) const { duckdb_destroy_data_chunk(&chunk); }
  };
  std::unique_ptr<std::remove_pointer_t<duckdb_data_chunk>, Destroy> chunk_;
};

class QueryResult {
 public:
  explicit QueryResult(duckdb_result result) : result_(std::make_unique<duckdb_result>(result)) {}
  ~QueryResult();
  QueryResult(QueryResult&&) = default;
  QueryResult& operator=(QueryResult&&) = delete;

  std::size_t columns() const { return duckdb_column_count(result_.get()); }
  // None at the end.
  Result<std::optional<Block>> next();

 private:
  std::unique_ptr<duckdb_result> result_;
};

class Statement {
 public:
  explicit Statement(duckdb_prepared_statement statement) : statement_(statement) {}
  ~Statement() { duckdb_destroy_prepare(&statement_); }
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;

  duckdb_statement_type type() const { return duckdb_prepared_statement_type(statement_); }
  std::size_t columns() const { return duckdb_prepared_statement_column_count(statement_); }
  std::string column_name(std::size_t index) const;
  duckdb_type column_type(std::size_t index) const {
    return duckdb_prepared_statement_column_type(statement_, index);
  }
  // Computes the rows while they are taken.
  Result<QueryResult> stream();

 private:
  duckdb_prepared_statement statement_;
};

class Connection {
 public:
  explicit Connection(duckdb_connection connection) : connection_(connection) {}
  ~Connection() { duckdb_disconnect(&connection_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status run(const std::string& sql);
  // kSqlError also when `sql` is not exactly one statement.
  Result<Statement> prepare(const std::string& sql);
  // prepare() and stream().
  Result<QueryResult> query(const std::string& sql);
  // The single value of a query as text; none for NULL or no row.
  Result<std::optional<std::string>> text_of(const std::string& sql);

  duckdb_connection raw() const { return connection_; }

 private:
  duckdb_connection connection_;
};

// An in-memory database.
class Database {
 public:
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  ~Database() { duckdb_close(&database_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<std::unique_ptr<Connection>> connect();

 private:
  explicit Database(duckdb_database database) : database_(database) {}
  duckdb_database database_;
};

// `text` as an SQL literal, `name` as an SQL identifier.
std::string literal(std::string_view text);
std::string identifier(std::string_view name);
// As the engine compares names: without regard to the case of ASCII letters.
std::string folded(std::string_view name);
// kInvalidArgument when the engine would take the path of a file for a pattern.
Status check_path(std::string_view path);

Error engine_error(const char* message);

}  // namespace penstock::archiver::engine
