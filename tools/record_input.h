// RecordInput: the records that `produce` reads from its input, one by one, in one of its formats.
//
//   lines    every line is a value, as it is; an empty line is an empty value
//   ndjson   every line is checked as JSON and published as it is; empty lines are passed over
//   csv      the first row names the columns; every further row becomes one JSON object
//            (tools/csv_json.h)
// Lifetime: a record's views are valid until the next call.
// Failure: next() returns kInvalidArgument or kRecordTooLarge for a line that is no record
// (is_bad_line()), with its number in the message, and goes on behind it when called again. Errors
// of the source, and a CSV header that cannot be used, are final.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/byte_source.h"
#include "tools/csv_json.h"
#include "tools/limits.h"

namespace penstock::tools {

enum class InputFormat { kLines, kNdjson, kCsv };

Result<InputFormat> input_format_from_name(std::string_view name);

struct InputOptions {
  InputFormat format = InputFormat::kLines;
  std::string key_field = {};   // empty: records have no key of their own
  std::uint64_t from_line = 1;  // lines before are passed over (a CSV header is read all the same)
  CsvTypes csv_types = CsvTypes::kAuto;
  char delimiter = ',';
  std::size_t max_record_bytes = kMaxInputRecordBytes;
};

struct InputRecord {
  std::string_view value;
  std::optional<std::string_view> key;
  std::uint64_t line = 0;  // where it begins
};

class RecordInput {
 public:
  virtual ~RecordInput() = default;

  // None at the end of the input.
  virtual Result<std::optional<InputRecord>> next() = 0;
  // True when the error that next() returned last was about one line, so that it may go on.
  bool is_bad_line() const { return bad_line_; }
  // Where to go on reading: behind the last record, or at the line that was refused.
  virtual std::uint64_t resume_line() const = 0;
  virtual std::uint64_t bytes_consumed() const = 0;

 protected:
  // "line 17: what"
  std::unexpected<Error> bad_line(std::uint64_t line, const Error& what);
  std::unexpected<Error> final_error(Error error);

 private:
  bool bad_line_ = false;
};

// `source` outlives the input.
std::unique_ptr<RecordInput> open_record_input(ByteSource& source, const InputOptions& options);

}  // namespace penstock::tools
