// TextTable: aligned columns for people, as a pure function of their cells.
//
// Cells are UTF-8 as it comes; control characters are shown as \xNN, so that no record can drive
// the terminal. Width counts code points.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::archiver {

enum class Align { kLeft, kRight };

struct TextColumn {
  std::string name;
  Align align = Align::kLeft;
};

class TextTable {
 public:
  explicit TextTable(std::vector<TextColumn> columns) : columns_(std::move(columns)) {}

  // As many cells as columns.
  void add(std::vector<std::string> cells);
  std::size_t rows() const { return rows_.size(); }

  // One line a row below a header and a rule. A `width` other than 0 shortens the widest columns,
  // with "…" at the cut, until a line fits or every column has shrunk as far as it may.
  std::string render(std::size_t width = 0) const;

 private:
  std::vector<TextColumn> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace penstock::archiver
