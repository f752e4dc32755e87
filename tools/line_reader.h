// LineReader: the lines of an input of any size, with memory bounded by the longest allowed line.
//
// A line ends with LF or CR LF (both removed) or with the input; a UTF-8 byte order mark before the
// first line is dropped. Lines count from 1.
// Lifetime: a line's text is valid until the next call.
// Failure: kRecordTooLarge for a line over the limit, which is then passed over: the next call goes
// on behind it. Errors of the source are returned as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/byte_source.h"
#include "tools/limits.h"

namespace penstock::tools {

struct Line {
  std::string_view text;
  std::uint64_t number = 0;
};

class LineReader {
 public:
  explicit LineReader(ByteSource& source, std::size_t max_line_bytes = kMaxInputRecordBytes);

  // None at the end of the input.
  Result<std::optional<Line>> next();

  // Of the line that next() returned or refused last; 0 before the first.
  std::uint64_t line_number() const { return number_; }
  // Bytes of the input that belong to the lines so far, line ends included.
  std::uint64_t bytes_consumed() const { return consumed_; }

 private:
  // Reads more; false at the end of the input.
  Result<bool> fill();
  Result<std::optional<Line>> pass_over_long_line();
  Line take(std::size_t length, std::size_t line_end);

  ByteSource& source_;
  std::size_t max_line_bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is not yet returned
  std::size_t end_ = 0;    // of what was read
  bool ended_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t consumed_ = 0;
};

}  // namespace penstock::tools
