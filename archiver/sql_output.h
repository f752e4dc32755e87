// RowPrinter: writes the rows of an answer, given as texts, in one of the formats.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "archiver/sql.h"
#include "archiver/text_table.h"

namespace penstock::archiver {

class RowPrinter {
 public:
  virtual ~RowPrinter() = default;
  // One cell a column; none: NULL. For kNdjson cells are JSON values. The views live during the
  // call.
  virtual void row(const std::vector<std::optional<std::string_view>>& cells) = 0;
  virtual void end() = 0;
};

std::unique_ptr<RowPrinter> row_printer(const SqlOptions& options, std::vector<TextColumn> columns,
                                        std::ostream& out);

}  // namespace penstock::archiver
