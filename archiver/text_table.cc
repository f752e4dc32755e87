#include "archiver/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "archiver/limits.h"
#include "base/assert.h"

namespace penstock::archiver {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::string_view kCut = "…";

bool starts_code_point(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_code_point));
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t width) {
  if (width_of(text) <= width) return std::string(text);
  std::size_t points = 0;
  std::size_t end = 0;
  while (end < text.size() && (points < width || !starts_code_point(text[end]))) {
    if (starts_code_point(text[end]) && ++points == width) break;
    ++end;
  }
  return std::string(text.substr(0, end)) + std::string(kCut);
}

void append_cell(std::string& line, const std::string& text, std::size_t width, Align align) {
  const std::string cell = shortened(text, width);
  const std::string padding(width - std::min(width, width_of(cell)), ' ');
  line += align == Align::kRight ? padding + cell : cell + padding;
}

void shrink(std::vector<std::size_t>& widths, std::size_t line_width) {
  const std::size_t gaps = kGap.size() * (widths.size() - 1);
  std::size_t total = std::accumulate(widths.begin(), widths.end(), gaps);
  while (total > line_width) {
    const auto widest = std::ranges::max_element(widths);
    if (*widest <= kMinColumnWidth) return;
    --*widest;
    --total;
  }
}

}  // namespace

void TextTable::add(std::vector<std::string> cells) {
  PENSTOCK_ASSERT(cells.size() == columns_.size(), "one cell a column");
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string TextTable::render(std::size_t width) const {
  if (columns_.empty()) return {};
  std::vector<std::size_t> widths;
  for (const TextColumn& column : columns_) widths.push_back(width_of(printable(column.name)));
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  if (width > 0) shrink(widths, width);

  std::string out;
  const auto append_line = [&](const auto& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) line += kGap;
      append_cell(line, cell_of(i), widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  append_line([&](std::size_t i) { return printable(columns_[i].name); });
  append_line([&](std::size_t i) { return std::string(widths[i], '-'); });
  for (const auto& row : rows_) append_line([&](std::size_t i) { return row[i]; });
  return out;
}

}  // namespace penstock::archiver
