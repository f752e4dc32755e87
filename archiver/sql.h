// SQL over the archive: every archived topic is a view of its name (of topics whose names differ in
// case alone, the second has a 2 behind).
//
// Columns: _partition, _offset, _timestamp (UTC; NULL for a record without one), _key, _value (text
// where the topic's values are UTF-8, BLOB otherwise), and, where values are JSON objects, their
// fields. A value that is no JSON object, or lacks a field, has NULL there. A field whose name is
// taken (ignoring case) gets a number behind it.
// Views read exactly the objects that the manifests name. Structure is inferred from all values of
// a topic, or from a spread of its objects when it holds more than limits.h says.
// Safety: one statement, which reads; files outside the archive cannot be reached, and nothing can
// be written. Failure: kSqlError with the engine's message (and the topics there are, when a table
// is unknown), kCorrupt (a manifest), kIoError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "archiver/object_store.h"
#include "base/result.h"

namespace penstock::archiver {

enum class SqlFormat {
  kTable,   // aligned, with NULLs shown
  kCsv,     // RFC 4180 with a header; NULL is an empty field, an empty text is ""
  kNdjson,  // one object a row
};

struct SqlOptions {
  SqlFormat format = SqlFormat::kTable;
  // Columns of the terminal; 0: not a terminal, nothing is shortened.
  std::size_t width = 0;
  std::size_t memory_limit_mb = 1024;
  std::size_t threads = 0;  // 0: one a core
  // Where the engine spills to over its limit; created when needed, removed afterwards. Empty: a
  // new folder in the system's temporary one.
  std::string temporary_dir;
};

struct SqlSummary {
  std::uint64_t rows = 0;
};

// Runs `statement` and writes its answer to `out`; kTable holds back at most limits.h's rows, the
// other formats stream.
Result<SqlSummary> run_sql(ObjectStore& store, const std::string& statement,
                           const SqlOptions& options, std::ostream& out);

// Names of the archived topics, in order.
Result<std::vector<std::string>> archived_topics(ObjectStore& store);

}  // namespace penstock::archiver
