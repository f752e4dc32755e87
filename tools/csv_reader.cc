#include "tools/csv_reader.h"

namespace penstock::tools {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

CsvReader::CsvReader(ByteSource& source, char delimiter, std::size_t max_row_bytes)
    : source_(source), delimiter_(delimiter), max_row_bytes_(max_row_bytes) {}

Result<int> CsvReader::get() {
  if (at_ == end_) {
    if (ended_) return kEnd;
    buffer_.resize(kInputBlockBytes);
    PENSTOCK_TRY_ASSIGN(end_, source_.read(std::as_writable_bytes(std::span(buffer_))));
    at_ = 0;
    ended_ = end_ == 0;
    if (ended_) return kEnd;
  }
  const char c = buffer_[at_++];
  ++consumed_;
  if (c == '\n') ++lines_;
  return static_cast<unsigned char>(c);
}

void CsvReader::begin_field(CsvRow& row) {
  row.fields_.push_back({row.text_.size(), row.text_.size(), false});
  state_ = State::kFieldStart;
}

void CsvReader::end_field(CsvRow& row, bool quoted) {
  row.fields_.back().end = row.text_.size();
  row.fields_.back().quoted = quoted;
}

CsvReader::Step CsvReader::take(char c, CsvRow& row) {
  switch (state_) {
    case State::kFieldStart:
      if (c == '"') {
        state_ = State::kQuoted;
        return Step::kGoOn;
      }
      state_ = State::kUnquoted;
      [[fallthrough]];
    case State::kUnquoted:
      if (c == delimiter_) {
        end_field(row, false);
        begin_field(row);
      } else if (c == '\n') {
        const std::size_t begin = row.fields_.back().begin;
        if (row.text_.size() > begin && row.text_.back() == '\r') row.text_.pop_back();
        end_field(row, false);
        return Step::kRowDone;
      } else {
        row.text_ += c;
      }
      return Step::kGoOn;
    case State::kQuoted:
      if (c == '"') {
        state_ = State::kQuoteSeen;
      } else {
        row.text_ += c;
      }
      return Step::kGoOn;
    case State::kQuoteSeen:
      if (c == '"') {
        row.text_ += c;
        state_ = State::kQuoted;
      } else if (c == delimiter_) {
        end_field(row, true);
        begin_field(row);
      } else if (c == '\n') {
        end_field(row, true);
        return Step::kRowDone;
      } else if (c == '\r') {
        state_ = State::kReturnSeen;
      } else {
        return Step::kTextBehindQuote;
      }
      return Step::kGoOn;
    case State::kReturnSeen:
      if (c != '\n') return Step::kTextBehindQuote;
      end_field(row, true);
      return Step::kRowDone;
  }
  return Step::kGoOn;
}

Result<bool> CsvReader::finish_at_end(CsvRow& row) {
  if (state_ == State::kQuoted) {
    return fail(Errc::kInvalidArgument, "a quote is opened and never closed");
  }
  end_field(row, state_ == State::kQuoteSeen || state_ == State::kReturnSeen);
  const bool nothing = row.size() == 1 && row.field(0).empty() && !row.quoted(0);
  return !nothing;
}

Result<bool> CsvReader::read_row(CsvRow& row) {
  row.text_.clear();
  row.fields_.clear();
  row.line_ = row_line_ = lines_ + 1;
  begin_field(row);
  while (true) {
    PENSTOCK_TRY_ASSIGN(const int c, get());
    if (c == kEnd) return finish_at_end(row);
    switch (take(static_cast<char>(c), row)) {
      case Step::kGoOn:
        break;
      case Step::kRowDone:
        return true;
      case Step::kTextBehindQuote:
        PENSTOCK_TRY(pass_over_line());
        return fail(Errc::kInvalidArgument,
                    "text follows a closing quote in field " + std::to_string(row.size()));
    }
    if (row.text_.size() > max_row_bytes_) {
      if (c != '\n') PENSTOCK_TRY(pass_over_line());
      return fail(Errc::kRecordTooLarge,
                  "a row longer than " + std::to_string(max_row_bytes_) + " bytes" +
                      (state_ == State::kQuoted ? "; perhaps a quote is never closed" : ""));
    }
  }
}

Status CsvReader::pass_over_line() {
  while (true) {
    PENSTOCK_TRY_ASSIGN(const int c, get());
    if (c == kEnd || c == '\n') return {};
  }
}

Result<bool> CsvReader::next(CsvRow& row) {
  while (true) {
    const bool first = consumed_ == 0;
    PENSTOCK_TRY_ASSIGN(const bool found, read_row(row));
    if (!found) return false;
    if (first && row.field(0).starts_with(kByteOrderMark)) {
      row.fields_[0].begin += kByteOrderMark.size();
      // A quoted first name stands behind the mark and was taken literally.
      if (row.field(0).size() >= 2 && row.field(0).starts_with('"') &&
          row.field(0).ends_with('"')) {
        ++row.fields_[0].begin;
        --row.fields_[0].end;
      }
    }
    const bool blank = row.size() == 1 && row.field(0).empty() && !row.quoted(0);
    if (!blank) return true;
  }
}

}  // namespace penstock::tools
