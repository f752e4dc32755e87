#include "tools/record_input.h"

#include <utility>

#include "tools/json_text.h"
#include "tools/line_reader.h"

namespace penstock::tools {
namespace {

bool is_about_the_text(const Error& error) {
  return error.code() == Errc::kInvalidArgument || error.code() == Errc::kRecordTooLarge;
}

class LineInput final : public RecordInput {
 public:
  LineInput(ByteSource& source, const InputOptions& options)
      : options_(options), reader_(source, options.max_record_bytes) {}

  Result<std::optional<InputRecord>> next() override {
    while (true) {
      auto line = reader_.next();
      const bool skipped = reader_.line_number() < options_.from_line;
      if (!line) {
        if (!is_about_the_text(line.error())) return final_error(std::move(line).error());
        if (skipped) continue;
        return refuse(line.error());
      }
      if (!*line) return std::nullopt;
      if (skipped || (options_.format == InputFormat::kNdjson && is_blank((*line)->text))) continue;
      return to_record(**line);
    }
  }

  std::uint64_t resume_line() const override {
    return refused_ ? refused_ : reader_.line_number() + 1;
  }
  std::uint64_t bytes_consumed() const override { return reader_.bytes_consumed(); }

 private:
  static bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r") == std::string_view::npos;
  }

  std::unexpected<Error> refuse(const Error& error) {
    refused_ = reader_.line_number();
    return bad_line(refused_, error);
  }

  Result<std::optional<InputRecord>> to_record(const Line& line) {
    refused_ = 0;
    InputRecord record{.value = line.text, .key = std::nullopt, .line = line.number};
    if (options_.format == InputFormat::kLines) return record;
    if (options_.key_field.empty()) {
      if (const Status valid = check_json(line.text); !valid) return refuse(valid.error());
      return record;
    }
    auto key = json_field(line.text, options_.key_field);
    if (!key) return refuse(key.error());
    key_ = std::move(*key);
    if (key_) record.key = *key_;
    return record;
  }

  InputOptions options_;
  LineReader reader_;
  std::optional<std::string> key_;
  std::uint64_t refused_ = 0;  // line number; 0: the last line was accepted
};

class CsvInput final : public RecordInput {
 public:
  CsvInput(ByteSource& source, const InputOptions& options)
      : options_(options), reader_(source, options.delimiter, options.max_record_bytes) {}

  Result<std::optional<InputRecord>> next() override {
    if (!writer_) {
      const auto opened = open_header();
      if (!opened) return final_error(opened.error());
      if (!*opened) return std::nullopt;
    }
    while (true) {
      const auto found = reader_.next(row_);
      const bool skipped = reader_.row_line() < options_.from_line;
      if (!found) {
        if (!is_about_the_text(found.error())) return final_error(found.error());
        if (skipped) continue;
        return refuse(found.error());
      }
      if (!*found) return std::nullopt;
      if (skipped) continue;
      refused_ = 0;
      value_.clear();
      if (const Status status = writer_->append(row_, value_); !status) {
        return refuse(status.error());
      }
      return InputRecord{.value = value_, .key = writer_->key(row_), .line = row_.line()};
    }
  }

  std::uint64_t resume_line() const override { return refused_ ? refused_ : reader_.lines() + 1; }
  std::uint64_t bytes_consumed() const override { return reader_.bytes_consumed(); }

 private:
  std::unexpected<Error> refuse(const Error& error) {
    refused_ = reader_.row_line();
    return bad_line(refused_, error);
  }

  // False for an empty input.
  Result<bool> open_header() {
    PENSTOCK_TRY_ASSIGN(const bool found, reader_.next(row_));
    if (!found) return false;
    PENSTOCK_TRY_ASSIGN(writer_,
                        CsvObjectWriter::open(row_, options_.csv_types, options_.key_field));
    return true;
  }

  InputOptions options_;
  CsvReader reader_;
  std::optional<CsvObjectWriter> writer_;
  CsvRow row_;
  std::string value_;
  std::uint64_t refused_ = 0;
};

}  // namespace

Result<InputFormat> input_format_from_name(std::string_view name) {
  if (name == "lines") return InputFormat::kLines;
  if (name == "ndjson") return InputFormat::kNdjson;
  if (name == "csv") return InputFormat::kCsv;
  return fail(Errc::kInvalidArgument,
              "'" + std::string(name) + "' is no input format: write lines, ndjson or csv");
}

std::unexpected<Error> RecordInput::bad_line(std::uint64_t line, const Error& what) {
  bad_line_ = true;
  return fail(what.code(), "line " + std::to_string(line) + ": " + what.message());
}

std::unexpected<Error> RecordInput::final_error(Error error) {
  bad_line_ = false;
  return fail(std::move(error));
}

std::unique_ptr<RecordInput> open_record_input(ByteSource& source, const InputOptions& options) {
  if (options.format == InputFormat::kCsv) return std::make_unique<CsvInput>(source, options);
  return std::make_unique<LineInput>(source, options);
}

}  // namespace penstock::tools
