// OutputTable: rows of text in aligned columns, for people.
//
// Cells are made safe for a terminal: control bytes appear escaped, invalid UTF-8 as '?'. A cell
// that is wider than kMaxCellWidth is cut and ends with "...", but for the last column, behind
// which nothing is pushed away. Units: widths are code points, which is right for everything but
// wide scripts and combining marks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::tools {

enum class Align { kLeft, kRight };

class OutputTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit OutputTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Missing cells are empty; cells beyond the columns are a programmer's error.
  void add_row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return rows_.size(); }

  // Title line and rows, two spaces between columns, nothing behind the last one.
  std::string render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Length in code points.
std::size_t display_width(std::string_view text);
// Text that cannot move the cursor or ring the bell.
std::string printable(std::string_view text);

// "1,234,567"
std::string with_thousands(std::uint64_t value);
// "613 KB", "1.2 MB": decimal units, three significant digits.
std::string human_bytes(std::uint64_t bytes);
// "0.42 s", "3.1 s", "2 m 05 s", "1 h 02 m"
std::string human_seconds(double seconds);

}  // namespace penstock::tools
