#include "archiver/duckdb.h"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::archiver::engine {
namespace {

class Config {
 public:
  Config() { duckdb_create_config(&config_); }
  ~Config() { duckdb_destroy_config(&config_); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  Status set(const char* name, const std::string& value) {
    if (duckdb_set_config(config_, name, value.c_str()) == DuckDBSuccess) return {};
    return fail(Errc::kInvalidArgument, "SQL engine setting " + std::string(name) + " = " + value);
  }
  duckdb_config get() const { return config_; }

 private:
  duckdb_config config_ = nullptr;
};

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += c;
    out += c;
  }
  return out += quote;
}

}  // namespace

Error engine_error(const char* message) {
  const std::string text = message == nullptr ? "no reason given" : message;
  const bool full = text.find("No space left on device") != std::string::npos ||
                    text.find("Disk quota exceeded") != std::string::npos;
  return Error(full ? Errc::kDiskFull : Errc::kSqlError, text);
}

ColumnView::ColumnView(duckdb_vector vector)
    : vector_(vector),
      data_(duckdb_vector_get_data(vector)),
      validity_(duckdb_vector_get_validity(vector)) {}

bool ColumnView::is_null(std::size_t row) const {
  return validity_ != nullptr && !duckdb_validity_row_is_valid(validity_, row);
}

ByteView ColumnView::bytes(std::size_t row) const {
  auto* text = static_cast<duckdb_string_t*>(data_) + row;
  return as_bytes(std::string_view(duckdb_string_t_data(text), duckdb_string_t_length(*text)));
}

ColumnView::ListEntry ColumnView::list(std::size_t row) const {
  const auto entry = at<duckdb_list_entry>(row);
  return {.begin = entry.offset, .size = entry.length};
}

QueryResult::~QueryResult() {
  if (result_) duckdb_destroy_result(result_.get());
}

Result<std::optional<Block>> QueryResult::next() {
  duckdb_data_chunk chunk = duckdb_fetch_chunk(*result_);
  if (chunk == nullptr) {
    const char* error = duckdb_result_error(result_.get());
    if (error != nullptr && *error != '\0') return std::unexpected(engine_error(error));
    return std::nullopt;
  }
  return Block(chunk);
}

std::string Statement::column_name(std::size_t index) const {
  const char* name = duckdb_prepared_statement_column_name(statement_, index);
  if (name == nullptr) return {};
  std::string copy = name;
  duckdb_free(const_cast<char*>(name));
  return copy;
}

Result<QueryResult> Statement::stream() {
  duckdb_pending_result pending = nullptr;
  if (duckdb_pending_prepared_streaming(statement_, &pending) != DuckDBSuccess) {
    Error error = engine_error(duckdb_pending_error(pending));
    duckdb_destroy_pending(&pending);
    return std::unexpected(std::move(error));
  }
  duckdb_result raw{};
  const duckdb_state state = duckdb_execute_pending(pending, &raw);
  duckdb_destroy_pending(&pending);
  QueryResult result(raw);
  if (state != DuckDBSuccess) return std::unexpected(engine_error(duckdb_result_error(&raw)));
  return result;
}

Status Connection::run(const std::string& sql) {
  duckdb_result raw{};
  const duckdb_state state = duckdb_query(connection_, sql.c_str(), &raw);
  const QueryResult result(raw);
  if (state != DuckDBSuccess) return std::unexpected(engine_error(duckdb_result_error(&raw)));
  return {};
}

Result<Statement> Connection::prepare(const std::string& sql) {
  duckdb_extracted_statements found = nullptr;
  const idx_t count = duckdb_extract_statements(connection_, sql.c_str(), &found);
  struct Guard {
    duckdb_extracted_statements& statements;
    ~Guard() { duckdb_destroy_extracted(&statements); }
  } const guard{found};
  if (count == 0) {
    const char* error = duckdb_extract_statements_error(found);
    if (error == nullptr) return fail(Errc::kSqlError, "there is no statement");
    return std::unexpected(engine_error(error));
  }
  if (count > 1) return fail(Errc::kSqlError, "one statement at a time");
  duckdb_prepared_statement prepared = nullptr;
  const duckdb_state state = duckdb_prepare_extracted_statement(connection_, found, 0, &prepared);
  Statement statement(prepared);
  if (state != DuckDBSuccess) return std::unexpected(engine_error(duckdb_prepare_error(prepared)));
  return statement;
}

Result<QueryResult> Connection::query(const std::string& sql) {
  PENSTOCK_TRY_ASSIGN(Statement statement, prepare(sql));
  return statement.stream();
}

Result<std::optional<std::string>> Connection::text_of(const std::string& sql) {
  PENSTOCK_TRY_ASSIGN(QueryResult result, query(sql));
  PENSTOCK_TRY_ASSIGN(const auto block, result.next());
  if (!block || block->rows() == 0) return std::nullopt;
  const ColumnView column = block->column(0);
  if (column.is_null(0)) return std::nullopt;
  return std::string(as_text(column.bytes(0)));
}

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  Config config;
  PENSTOCK_TRY(config.set("memory_limit", std::to_string(options.memory_limit_mb) + "MiB"));
  if (options.threads > 0) {
    PENSTOCK_TRY(config.set("threads", std::to_string(options.threads)));
  }
  PENSTOCK_TRY(config.set("autoinstall_known_extensions", "false"));
  PENSTOCK_TRY(config.set("autoload_known_extensions", "false"));
  PENSTOCK_TRY(config.set("allow_community_extensions", "false"));
  PENSTOCK_TRY(config.set("temp_directory", options.temporary_dir));
  duckdb_database raw = nullptr;
  char* error = nullptr;
  if (duckdb_open_ext(nullptr, &raw, config.get(), &error) != DuckDBSuccess) {
    Error failed = engine_error(error);
    duckdb_free(error);
    return std::unexpected(std::move(failed).context("start the SQL engine"));
  }
  return std::unique_ptr<Database>(new Database(raw));
}

Result<std::unique_ptr<Connection>> Database::connect() {
  duckdb_connection raw = nullptr;
  if (duckdb_connect(database_, &raw) != DuckDBSuccess) {
    return fail(Errc::kSqlError, "connect to the SQL engine");
  }
  return std::make_unique<Connection>(raw);
}

std::string folded(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

Status check_path(std::string_view path) {
  if (path.find_first_of("*?[") == std::string_view::npos) return {};
  return fail(
      Errc::kInvalidArgument,
      std::string(path) + ": the SQL engine takes a path with '*', '?' or '[' for a pattern");
}

std::string literal(std::string_view text) { return quoted(text, '\''); }
std::string identifier(std::string_view name) { return quoted(name, '"'); }

}  // namespace penstock::archiver::engine
