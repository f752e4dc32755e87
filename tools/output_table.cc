#include "tools/output_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "base/assert.h"
#include "tools/limits.h"
#include "tools/utf8.h"

namespace penstock::tools {
namespace {

std::string cut(std::string text) {
  if (display_width(text) <= kMaxCellWidth) return text;
  std::size_t width = 0;
  std::size_t at = 0;
  while (width < kMaxCellWidth - 3) at += utf8_length(std::string_view(text).substr(at)), ++width;
  text.resize(at);
  return text + "...";
}

void append_cell(std::string& line, std::string_view cell, std::size_t width, Align align,
                 bool last) {
  const std::string fill(width - display_width(cell), ' ');
  if (align == Align::kRight) {
    line += fill;
    line += cell;
  } else {
    line += cell;
    if (!last) line += fill;
  }
  if (!last) line += "  ";
}

std::string format_double(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

}  // namespace

void OutputTable::add_row(std::vector<std::string> cells) {
  PENSTOCK_ASSERT(cells.size() <= columns_.size(),
                  "a row has no more cells than the table columns");
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = printable(cells[i]);
    if (i + 1 < cells.size()) cells[i] = cut(std::move(cells[i]));
  }
  rows_.push_back(std::move(cells));
}

std::string OutputTable::render() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  std::string out;
  const auto append_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      append_cell(line, cell_of(i), widths[i], columns_[i].align, i + 1 == columns_.size());
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  };
  append_line([&](std::size_t i) { return std::string_view(columns_[i].title); });
  for (const auto& row : rows_)
    append_line([&](std::size_t i) { return std::string_view(row[i]); });
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size(); ++width) {
    at += std::max<std::size_t>(1, utf8_length(text.substr(at)));
  }
  return width;
}

std::string printable(std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto c = static_cast<unsigned char>(text[at]);
    const std::size_t length = utf8_length(text.substr(at));
    // U+0080..U+009F are control characters too (C1): they come as 0xC2 0x80..0x9F.
    const bool c1 = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[at + 1]) < 0xa0;
    if (length == 0 || c1) {
      out += '?';
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\x";
      out += kHex[c >> 4];
      out += kHex[c & 15];
    } else {
      out += text.substr(at, length);
    }
    at += std::max<std::size_t>(1, length);
  }
  return out;
}

std::string with_thousands(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string human_bytes(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"B", "KB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 999.5 would print as "1e+03".
  while (value >= 999.5 && unit + 1 < kUnits.size()) value /= 1000, ++unit;
  return format_double(unit == 0 ? "%.0f " : "%.3g ", value) + kUnits[unit];
}

std::string human_seconds(double seconds) {
  if (seconds < 10) return format_double("%.2f s", seconds);
  if (seconds < 60) return format_double("%.1f s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  std::array<char, 64> text{};
  if (whole < 3600) {
    std::snprintf(text.data(), text.size(), "%ld m %02ld s", whole / 60, whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld h %02ld m", whole / 3600, whole % 3600 / 60);
  }
  return text.data();
}

}  // namespace penstock::tools
