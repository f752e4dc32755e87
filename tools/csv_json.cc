#include "tools/csv_json.h"

#include <algorithm>

#include "base/nearest.h"
#include "tools/json_text.h"
#include "tools/utf8.h"

namespace penstock::tools {
namespace {

Error unknown_key_field(std::string_view field, const std::vector<std::string>& titles) {
  std::string message = "the header has no column '" + std::string(field) + "'";
  if (const auto close = nearest(field, titles)) message += "; did you mean '" + *close + "'?";
  return {Errc::kInvalidArgument, message};
}

}  // namespace

Result<CsvObjectWriter> CsvObjectWriter::open(const CsvRow& header, CsvTypes types,
                                              std::string_view key_field) {
  CsvObjectWriter writer;
  writer.types_ = types;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string title(header.field(i));
    const std::string where = "column " + std::to_string(i + 1) + " of the header";
    if (title.empty()) return fail(Errc::kInvalidArgument, where + " has no name");
    if (!is_utf8(title)) return fail(Errc::kInvalidArgument, where + " is no UTF-8");
    if (std::ranges::find(writer.titles_, title) != writer.titles_.end()) {
      return fail(Errc::kInvalidArgument, where + " repeats the name '" + title + "'");
    }
    if (title == key_field) writer.key_column_ = i;
    std::string name;
    append_json_string(name, title);
    writer.names_.push_back(name + ":");
    writer.titles_.push_back(title);
  }
  if (!key_field.empty() && !writer.key_column_) {
    return fail(unknown_key_field(key_field, writer.titles_));
  }
  return writer;
}

Status CsvObjectWriter::append(const CsvRow& row, std::string& out) const {
  if (row.size() != names_.size()) {
    return fail(Errc::kInvalidArgument, "has " + std::to_string(row.size()) +
                                            " fields, but the header has " +
                                            std::to_string(names_.size()));
  }
  out += '{';
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string_view field = row.field(i);
    if (i > 0) out += ',';
    out += names_[i];
    if (types_ == CsvTypes::kAuto && !row.quoted(i) && field.empty()) {
      out += "null";
    } else if (types_ == CsvTypes::kAuto && !row.quoted(i) && is_plain_number(field)) {
      out += field;
    } else if (!is_utf8(field)) {
      return fail(Errc::kInvalidArgument, "the field '" + titles_[i] + "' is no UTF-8");
    } else {
      append_json_string(out, field);
    }
  }
  out += '}';
  return {};
}

std::optional<std::string_view> CsvObjectWriter::key(const CsvRow& row) const {
  if (!key_column_) return std::nullopt;
  if (row.field(*key_column_).empty() && !row.quoted(*key_column_)) return std::nullopt;
  return row.field(*key_column_);
}

}  // namespace penstock::tools
