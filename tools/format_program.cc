#include "tools/format_program.h"

#include <charconv>
#include <optional>

namespace penstock::tools {
namespace {

void append_bytes(std::string& out, const std::optional<ByteView>& bytes) {
  if (bytes) out += as_text(*bytes);
}

void append_size(std::string& out, const std::optional<ByteView>& bytes) {
  out += bytes ? std::to_string(bytes->size()) : "-1";
}

void append_headers(std::string& out, const record::HeadersView& headers) {
  bool first = true;
  for (const record::HeaderView& header : headers.decode()) {
    if (!first) out += ',';
    first = false;
    out += header.key;
    out += '=';
    append_bytes(out, header.value);
  }
}

struct Escape {
  char value;
  std::size_t length;  // of the characters behind the backslash
};

// The escape whose characters behind the backslash begin `rest`.
std::optional<Escape> parse_escape(std::string_view rest) {
  if (rest.empty()) return std::nullopt;
  switch (rest[0]) {
    case 'n':
      return Escape{'\n', 1};
    case 't':
      return Escape{'\t', 1};
    case 'r':
      return Escape{'\r', 1};
    case '0':
      return Escape{'\0', 1};
    case '\\':
      return Escape{'\\', 1};
    case 'x':
      break;
    default:
      return std::nullopt;
  }
  if (rest.size() < 3) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(rest.data() + 1, rest.data() + 3, value, 16);
  if (error != std::errc() || end != rest.data() + 3) return std::nullopt;
  return Escape{static_cast<char>(value), 3};
}

}  // namespace

Result<FormatProgram::Kind> FormatProgram::directive(char letter, std::size_t position) {
  switch (letter) {
    case 't':
      return Kind::kTopic;
    case 'p':
      return Kind::kPartition;
    case 'o':
      return Kind::kOffset;
    case 'k':
      return Kind::kKey;
    case 's':
      return Kind::kValue;
    case 'T':
      return Kind::kTimestamp;
    case 'h':
      return Kind::kHeaders;
    case 'K':
      return Kind::kKeySize;
    case 'S':
      return Kind::kValueSize;
    default:
      return fail(Errc::kInvalidArgument,
                  "format: %" + std::string(1, letter) + " at position " +
                      std::to_string(position + 1) +
                      " is no directive; there are %t %p %o %k %s %T %h %K %S and %%");
  }
}

void FormatProgram::add_literal(char c) {
  if (steps_.empty() || steps_.back().kind != Kind::kLiteral)
    steps_.push_back({Kind::kLiteral, {}});
  steps_.back().literal += c;
}

Result<FormatProgram> FormatProgram::parse(std::string_view format) {
  FormatProgram program;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '\\') {
      const auto escape = parse_escape(format.substr(i + 1));
      if (!escape) {
        return fail(Errc::kInvalidArgument, "format: unknown escape at position " +
                                                std::to_string(i + 1) +
                                                "; there are \\n \\t \\r \\0 \\\\ and \\xHH");
      }
      program.add_literal(escape->value);
      i += escape->length;
    } else if (format[i] != '%') {
      program.add_literal(format[i]);
    } else if (i + 1 == format.size()) {
      return fail(Errc::kInvalidArgument,
                  "format: a lone % at the end; write %% for a percent sign");
    } else if (format[++i] == '%') {
      program.add_literal('%');
    } else {
      PENSTOCK_TRY_ASSIGN(const Kind kind, directive(format[i], i - 1));
      program.steps_.push_back({kind, {}});
    }
  }
  return program;
}

void FormatProgram::run(const LocatedRecord& located, std::string& out) const {
  const record::RecordView& record = located.record;
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Kind::kLiteral:
        out += step.literal;
        break;
      case Kind::kTopic:
        out += located.topic;
        break;
      case Kind::kPartition:
        out += std::to_string(located.partition.value());
        break;
      case Kind::kOffset:
        out += std::to_string(record.offset.value());
        break;
      case Kind::kKey:
        append_bytes(out, record.key);
        break;
      case Kind::kValue:
        append_bytes(out, record.value);
        break;
      case Kind::kTimestamp:
        out += std::to_string(record.timestamp.ms());
        break;
      case Kind::kHeaders:
        append_headers(out, record.headers);
        break;
      case Kind::kKeySize:
        append_size(out, record.key);
        break;
      case Kind::kValueSize:
        append_size(out, record.value);
        break;
    }
  }
}

}  // namespace penstock::tools
