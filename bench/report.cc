#include "bench/report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "base/file.h"

namespace penstock::bench {
namespace {

std::string quoted_json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::string four_digits(double value) {
  if (!std::isfinite(value)) return "0";
  if (value == 0) return "0";
  const int before_point = static_cast<int>(std::floor(std::log10(std::fabs(value)))) + 1;
  return fmt::format("{:.{}f}", value, std::clamp(4 - before_point, 0, 8));
}

Figure& Figure::add(std::string key, std::string text) {
  fields_.push_back({std::move(key), std::move(text), true});
  return *this;
}

Figure& Figure::add(std::string key, std::uint64_t value) {
  fields_.push_back({std::move(key), std::to_string(value), false});
  return *this;
}

Figure& Figure::add(std::string key, double value) {
  fields_.push_back({std::move(key), four_digits(value), false});
  return *this;
}

std::string Figure::line() const {
  std::string out = name_;
  for (const Field& field : fields_) out += " " + field.key + "=" + field.text;
  return out;
}

std::string Figure::json() const {
  std::string out = "{\"name\": " + quoted_json(name_);
  for (const Field& field : fields_) {
    out += ", " + quoted_json(field.key) + ": ";
    out += field.quoted ? quoted_json(field.text) : field.text;
  }
  return out + "}";
}

void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i == 0 ? fmt::format("  {:<{}}", row[i], widths[i])
                     : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

Status write_json_file(const std::string& path, const std::vector<Figure>& figures) {
  std::string text = "{\"figures\": [";
  for (std::size_t i = 0; i < figures.size(); ++i) {
    text += (i == 0 ? "\n  " : ",\n  ") + figures[i].json();
  }
  text += "\n]}\n";
  return posix_env().replace_file(path, as_bytes(text));
}

}  // namespace penstock::bench
