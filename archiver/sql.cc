#include "archiver/sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "archiver/duckdb.h"
#include "archiver/sql_output.h"
#include "archiver/sql_views.h"
#include "base/random.h"

namespace penstock::archiver {
namespace {

bool mentions(const std::string& lower_statement, std::string_view word) {
  return lower_statement.find(engine::folded(word)) != std::string::npos;
}

// Statements about the catalog want to see every topic.
bool asks_for_catalog(const std::string& lower_statement) {
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"show", "information_schema", "duckdb_", "pg_"},
      [&](std::string_view word) { return mentions(lower_statement, word); });
}

bool is_number(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_UHUGEINT:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
      return true;
    default:
      return false;
  }
}

// The engine creates it only when it spills. The name is not to be guessed by others.
std::string spill_folder(const SqlOptions& options) {
  if (!options.temporary_dir.empty()) return options.temporary_dir;
  std::error_code error;
  const std::filesystem::path base = std::filesystem::temp_directory_path(error);
  if (error) return {};
  return base / ("penstock-sql-" + Rng(random_seed()).uuid().to_string());
}

// From here on the engine reads the archive's objects and nothing else, and cannot be told
// otherwise.
Status confine(engine::Connection& sql, const ObjectStore& store,
               const std::vector<Manifest>& manifests) {
  std::string paths;
  for (const Manifest& manifest : manifests) {
    for (const ChunkEntry& chunk : manifest.chunks) {
      paths += (paths.empty() ? "" : ", ") + engine::literal(store.location(chunk.object));
    }
  }
  PENSTOCK_TRY(sql.run("SET TimeZone = 'UTC'"));
  PENSTOCK_TRY(sql.run("SET allowed_paths = [" + paths + "]"));
  PENSTOCK_TRY(sql.run("SET enable_external_access = false"));
  return sql.run("SET lock_configuration = true");
}

Status check_reads_only(const engine::Statement& statement, const std::string& lower_statement) {
  const bool explains = statement.type() == DUCKDB_STATEMENT_TYPE_EXPLAIN;
  if (explains && mentions(lower_statement, "analyze")) {
    return fail(Errc::kSqlError, "EXPLAIN ANALYZE carries the statement out: not allowed here");
  }
  if (explains || statement.type() == DUCKDB_STATEMENT_TYPE_SELECT) return {};
  return fail(Errc::kSqlError, "the archive can only be read: SELECT, DESCRIBE, SHOW, EXPLAIN");
}

std::string without_end(std::string statement) {
  statement.erase(statement.find_last_not_of(" \t\r\n;") + 1);
  return statement;
}

// Column i of an answer as text, or as a JSON value. JSON has no infinity and no NaN.
std::string cell_expression(std::size_t i, duckdb_type type, SqlFormat format) {
  if (format != SqlFormat::kNdjson) return fmt::format("c{}::VARCHAR", i);
  const bool may_be_infinite = type == DUCKDB_TYPE_FLOAT || type == DUCKDB_TYPE_DOUBLE;
  return fmt::format(
      fmt::runtime(may_be_infinite ? "CASE WHEN isfinite(c{0}) THEN to_json(c{0})::VARCHAR END"
                                   : "to_json(c{0})::VARCHAR"),
      i);
}

// The same rows with every value as text (or as JSON), columns named by position because an answer
// may have two of one name.
std::string as_texts(const std::string& text, const engine::Statement& statement,
                     SqlFormat format) {
  std::vector<std::string> selected;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < statement.columns(); ++i) {
    selected.push_back(cell_expression(i, statement.column_type(i), format));
    names.push_back(fmt::format("c{}", i));
  }
  return fmt::format("SELECT {} FROM ({}\n) AS answer({})", fmt::join(selected, ", "), text,
                     fmt::join(names, ", "));
}

Result<SqlSummary> print(engine::QueryResult& rows, RowPrinter& printer) {
  SqlSummary summary;
  std::vector<std::optional<std::string_view>> cells(rows.columns());
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto block, rows.next());
    if (!block) break;
    for (std::size_t row = 0; row < block->rows(); ++row) {
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const engine::ColumnView column = block->column(i);
        cells[i].reset();
        if (!column.is_null(row)) cells[i] = as_text(column.bytes(row));
      }
      printer.row(cells);
      ++summary.rows;
    }
  }
  printer.end();
  return summary;
}

// A plan is drawn by the engine; it is no table of ours.
Result<SqlSummary> print_plan(engine::QueryResult& rows, std::ostream& out) {
  SqlSummary summary;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto block, rows.next());
    if (!block) return summary;
    for (std::size_t row = 0; row < block->rows(); ++row, ++summary.rows) {
      out << as_text(block->column(1).bytes(row));
    }
  }
}

Result<SqlSummary> answer(engine::Connection& sql, const std::string& statement,
                          const SqlOptions& options, std::ostream& out) {
  PENSTOCK_TRY_ASSIGN(engine::Statement prepared, sql.prepare(statement));
  PENSTOCK_TRY(check_reads_only(prepared, engine::folded(statement)));
  if (prepared.type() == DUCKDB_STATEMENT_TYPE_EXPLAIN) {
    PENSTOCK_TRY_ASSIGN(auto rows, prepared.stream());
    return print_plan(rows, out);
  }
  std::vector<TextColumn> columns;
  for (std::size_t i = 0; i < prepared.columns(); ++i) {
    columns.push_back({.name = prepared.column_name(i),
                       .align = is_number(prepared.column_type(i)) ? Align::kRight : Align::kLeft});
  }
  PENSTOCK_TRY_ASSIGN(auto rows,
                      sql.query(as_texts(without_end(statement), prepared, options.format)));
  return print(rows, *row_printer(options, std::move(columns), out));
}

}  // namespace

Result<std::vector<std::string>> archived_topics(ObjectStore& store) {
  PENSTOCK_TRY_ASSIGN(const auto topics, manifests_by_topic(store));
  std::vector<std::string> names;
  for (const auto& [topic, manifests] : topics) names.push_back(topic);
  return names;
}

Result<SqlSummary> run_sql(ObjectStore& store, const std::string& statement,
                           const SqlOptions& options, std::ostream& out) {
  PENSTOCK_TRY_ASSIGN(const auto database,
                      engine::Database::open({.memory_limit_mb = options.memory_limit_mb,
                                              .threads = options.threads,
                                              .temporary_dir = spill_folder(options)}));
  PENSTOCK_TRY_ASSIGN(const auto sql, database->connect());
  PENSTOCK_TRY_ASSIGN(const auto topics, manifests_by_topic(store));
  const std::string wanted = engine::folded(statement);
  const bool all = asks_for_catalog(wanted);
  std::vector<Manifest> readable;
  const auto views = view_names(topics);
  std::string known;
  for (const auto& [topic, names] : topics) {
    const std::string& view = views.at(topic);
    known += (known.empty() ? "" : ", ") + view;
    if (!all && !mentions(wanted, topic)) continue;
    PENSTOCK_TRY_ASSIGN(auto manifests, load_manifests(store, names));
    PENSTOCK_TRY(create_view(*sql, store, topic, view, manifests));
    std::ranges::move(manifests, std::back_inserter(readable));
  }
  PENSTOCK_TRY(confine(*sql, store, readable));
  auto answered = answer(*sql, statement, options, out);
  if (!answered && answered.error().message().find("Table with name") != std::string::npos) {
    return fail(answered.error().code(),
                answered.error().message() + "\nTopics in the archive: " + known);
  }
  return answered;
}

}  // namespace penstock::archiver
