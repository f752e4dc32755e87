#include "archiver/sql_output.h"

#include <boost/json.hpp>
#include <utility>

#include "archiver/limits.h"

namespace penstock::archiver {
namespace {

class TablePrinter final : public RowPrinter {
 public:
  TablePrinter(std::vector<TextColumn> columns, std::size_t width, std::ostream& out)
      : table_(std::move(columns)), width_(width), out_(out) {}

  void row(const std::vector<std::optional<std::string_view>>& cells) override {
    ++rows_;
    if (table_.rows() == kMaxTableRows) return;
    std::vector<std::string> texts;
    for (const auto& cell : cells) texts.emplace_back(cell.value_or("NULL"));
    table_.add(std::move(texts));
  }

  void end() override {
    out_ << table_.render(width_);
    if (rows_ > table_.rows()) {
      out_ << "... the first " << table_.rows() << " of " << rows_
           << " rows; CSV and JSON output show all\n";
    } else {
      out_ << "(" << rows_ << (rows_ == 1 ? " row)\n" : " rows)\n");
    }
  }

 private:
  TextTable table_;
  std::size_t width_;
  std::ostream& out_;
  std::size_t rows_ = 0;
};

class CsvPrinter final : public RowPrinter {
 public:
  CsvPrinter(const std::vector<TextColumn>& columns, std::ostream& out) : out_(out) {
    std::vector<std::optional<std::string_view>> names;
    for (const TextColumn& column : columns) names.emplace_back(column.name);
    row(names);
  }

  void row(const std::vector<std::optional<std::string_view>>& cells) override {
    std::string_view separator;
    for (const auto& cell : cells) {
      out_ << std::exchange(separator, ",");
      if (cell) write(*cell);
    }
    out_ << "\n";
  }
  void end() override {}

 private:
  void write(std::string_view text) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out_ << text;
      return;
    }
    out_ << '"';
    for (const char c : text) {
      if (c == '"') out_ << '"';
      out_ << c;
    }
    out_ << '"';
  }

  std::ostream& out_;
};

class NdjsonPrinter final : public RowPrinter {
 public:
  NdjsonPrinter(const std::vector<TextColumn>& columns, std::ostream& out) : out_(out) {
    for (const TextColumn& column : columns) {
      names_.push_back(boost::json::serialize(boost::json::string(column.name)));
    }
  }

  void row(const std::vector<std::optional<std::string_view>>& cells) override {
    std::string_view separator = "{";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out_ << std::exchange(separator, ",") << names_[i] << ":" << cells[i].value_or("null");
    }
    out_ << "}\n";
  }
  void end() override {}

 private:
  std::vector<std::string> names_;
  std::ostream& out_;
};

}  // namespace

std::unique_ptr<RowPrinter> row_printer(const SqlOptions& options, std::vector<TextColumn> columns,
                                        std::ostream& out) {
  switch (options.format) {
    case SqlFormat::kTable:
      return std::make_unique<TablePrinter>(std::move(columns), options.width, out);
    case SqlFormat::kCsv:
      return std::make_unique<CsvPrinter>(columns, out);
    case SqlFormat::kNdjson:
      return std::make_unique<NdjsonPrinter>(columns, out);
  }
  std::unreachable();
}

}  // namespace penstock::archiver
