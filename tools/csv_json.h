// CSV rows as JSON objects: the first row names the members.
//
// Values: an empty unquoted field is null; with CsvTypes::kAuto an unquoted field that is a plain
// JSON number (is_plain_number) is written as that number, digit for digit; everything else is a
// string. With kText every field is a string, the empty ones too.
// Failure: kInvalidArgument names the column.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/csv_reader.h"

namespace penstock::tools {

enum class CsvTypes { kAuto, kText };

class CsvObjectWriter {
 public:
  // Refuses empty and repeated names, and a `key_field` (if any) that no column has.
  static Result<CsvObjectWriter> open(const CsvRow& header, CsvTypes types,
                                      std::string_view key_field);

  // Appends the row as one line of JSON.
  Status append(const CsvRow& row, std::string& out) const;
  // The key column's text; none without a key field or for an empty unquoted field.
  std::optional<std::string_view> key(const CsvRow& row) const;
  std::size_t columns() const { return names_.size(); }

 private:
  std::vector<std::string> names_;  // as JSON strings, with their colon
  std::vector<std::string> titles_;
  CsvTypes types_ = CsvTypes::kAuto;
  std::optional<std::size_t> key_column_;
};

}  // namespace penstock::tools
