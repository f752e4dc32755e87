// CsvReader: rows of a CSV input of any size (RFC 4180), with memory bounded by the longest allowed
// row.
//
// Syntax: fields are separated by the delimiter; a field that begins with a quote runs to the next
// single quote and may hold delimiters, line ends and doubled quotes; a quote inside an unquoted
// field stands for itself; rows end with LF, CR LF or the input; empty lines are passed over; a
// UTF-8 byte order mark is dropped. Line numbers count physical lines from 1.
// Failure: kInvalidArgument for a malformed row and kRecordTooLarge for one over the limit; the
// next call goes on behind the line in which the fault was seen. Errors of the source are returned
// as they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/byte_source.h"
#include "tools/limits.h"

namespace penstock::tools {

class CsvRow {
 public:
  std::size_t size() const { return fields_.size(); }
  std::string_view field(std::size_t i) const {
    return std::string_view(text_).substr(fields_[i].begin, fields_[i].end - fields_[i].begin);
  }
  bool quoted(std::size_t i) const { return fields_[i].quoted; }
  std::uint64_t line() const { return line_; }  // where the row begins

 private:
  friend class CsvReader;
  struct Field {
    std::size_t begin;
    std::size_t end;
    bool quoted;
  };
  std::string text_;  // all fields, one behind the other
  std::vector<Field> fields_;
  std::uint64_t line_ = 0;
};

class CsvReader {
 public:
  explicit CsvReader(ByteSource& source, char delimiter = ',',
                     std::size_t max_row_bytes = kMaxInputRecordBytes);

  // Reads the next row into `row`, whose memory is used again; false at the end of the input.
  Result<bool> next(CsvRow& row);

  // Line where the row that next() returned or refused last begins.
  std::uint64_t row_line() const { return row_line_; }
  // Physical lines read so far.
  std::uint64_t lines() const { return lines_; }
  std::uint64_t bytes_consumed() const { return consumed_; }

 private:
  static constexpr int kEnd = -1;
  enum class State { kFieldStart, kUnquoted, kQuoted, kQuoteSeen, kReturnSeen };
  enum class Step { kGoOn, kRowDone, kTextBehindQuote };

  Result<int> get();  // the next byte, or kEnd
  Result<bool> read_row(CsvRow& row);
  Step take(char c, CsvRow& row);
  void begin_field(CsvRow& row);
  void end_field(CsvRow& row, bool quoted);
  Result<bool> finish_at_end(CsvRow& row);
  Status pass_over_line();

  ByteSource& source_;
  char delimiter_;
  std::size_t max_row_bytes_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
  State state_ = State::kFieldStart;
  std::uint64_t row_line_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t consumed_ = 0;
};

}  // namespace penstock::tools
