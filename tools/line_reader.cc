#include "tools/line_reader.h"

#include <algorithm>
#include <cstring>

namespace penstock::tools {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

LineReader::LineReader(ByteSource& source, std::size_t max_line_bytes)
    : source_(source), max_line_bytes_(max_line_bytes) {}

Result<bool> LineReader::fill() {
  if (ended_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() - end_ < kInputBlockBytes) buffer_.resize(end_ + kInputBlockBytes);
  const MutableByteView room =
      std::as_writable_bytes(std::span(buffer_).subspan(end_, kInputBlockBytes));
  PENSTOCK_TRY_ASSIGN(const std::size_t size, source_.read(room));
  end_ += size;
  ended_ = size == 0;
  return !ended_;
}

Line LineReader::take(std::size_t length, std::size_t line_end) {
  std::string_view text(buffer_.data() + begin_, length);
  if (text.ends_with('\r') && line_end > 0) text.remove_suffix(1);
  if (number_ == 0 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  begin_ += length + line_end;
  consumed_ += length + line_end;
  return {text, ++number_};
}

Result<std::optional<Line>> LineReader::next() {
  std::size_t scanned = 0;
  while (true) {
    const char* from = buffer_.data() + begin_;
    const std::size_t held = end_ - begin_;
    const void* newline =
        held == scanned ? nullptr : std::memchr(from + scanned, '\n', held - scanned);
    if (newline != nullptr) {
      const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - from);
      Line line = take(length, 1);
      if (line.text.size() > max_line_bytes_) break;
      return line;
    }
    // Two more bytes than allowed: a CR LF may still follow.
    if (held > max_line_bytes_ + 2) return pass_over_long_line();
    scanned = held;
    PENSTOCK_TRY_ASSIGN(const bool more, fill());
    if (more) continue;
    if (held == 0) return std::nullopt;
    Line line = take(held, 0);
    if (line.text.size() > max_line_bytes_) break;
    return line;
  }
  return fail(Errc::kRecordTooLarge, "longer than " + std::to_string(max_line_bytes_) + " bytes");
}

Result<std::optional<Line>> LineReader::pass_over_long_line() {
  while (true) {
    const char* from = buffer_.data() + begin_;
    const std::size_t held = end_ - begin_;
    const void* newline = held == 0 ? nullptr : std::memchr(from, '\n', held);
    const std::size_t passed =
        newline == nullptr ? held
                           : static_cast<std::size_t>(static_cast<const char*>(newline) - from) + 1;
    begin_ += passed;
    consumed_ += passed;
    if (newline != nullptr) break;
    PENSTOCK_TRY_ASSIGN(const bool more, fill());
    if (!more) break;
  }
  ++number_;
  return fail(Errc::kRecordTooLarge, "longer than " + std::to_string(max_line_bytes_) + " bytes");
}

}  // namespace penstock::tools
