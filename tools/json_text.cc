#include "tools/json_text.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cctype>
#include <cstdint>
#include <limits>

namespace penstock::tools {
namespace {

namespace json = boost::json;
using json::error_code;

// Receives what the parser sees; remembers one member of the outermost object. Member functions
// have the names that the parser asks for.
class FieldHandler {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  explicit FieldHandler(std::string_view field) : field_(field) {}

  enum class Found { kNoObject, kNothing, kNull, kScalar, kNested };
  Found found() const { return found_; }
  std::string take_value() { return std::move(value_); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    if (depth_ == 0) found_ = Found::kNothing;
    return open();
  }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code&) { return open(); }
  bool on_array_end(std::size_t, error_code&) { return close(); }

  bool on_key_part(json::string_view part, std::size_t, error_code&) {
    if (depth_ == 1) key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(json::string_view part, std::size_t, error_code&) {
    if (depth_ != 1 || found_ == Found::kNoObject) return true;
    key_.append(part.data(), part.size());
    wanted_ = key_ == field_;
    key_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, std::size_t, error_code&) { return collect(part); }
  bool on_string(json::string_view part, std::size_t, error_code&) { return finish(part); }
  bool on_number_part(json::string_view part, error_code&) { return collect(part); }
  bool on_int64(std::int64_t, json::string_view part, error_code&) { return finish(part); }
  bool on_uint64(std::uint64_t, json::string_view part, error_code&) { return finish(part); }
  bool on_double(double, json::string_view part, error_code&) { return finish(part); }
  bool on_bool(bool value, error_code&) { return finish(value ? "true" : "false"); }
  bool on_null(error_code&) {
    if (is_wanted()) found_ = Found::kNull;
    wanted_ = false;
    return true;
  }
  bool on_comment_part(json::string_view, error_code&) { return true; }
  bool on_comment(json::string_view, error_code&) { return true; }

 private:
  bool is_wanted() const { return wanted_ && depth_ == 1; }
  bool open() {
    if (is_wanted()) {
      found_ = Found::kNested;
      wanted_ = false;
    }
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool collect(json::string_view part) {
    if (is_wanted()) partial_.append(part.data(), part.size());
    return true;
  }
  bool finish(json::string_view part) {
    if (!is_wanted()) return true;
    collect(part);
    value_ = std::move(partial_);
    partial_.clear();
    found_ = Found::kScalar;
    wanted_ = false;
    return true;
  }

  std::string_view field_;
  std::size_t depth_ = 0;
  std::string key_;
  bool wanted_ = false;
  std::string partial_;
  std::string value_;
  Found found_ = Found::kNoObject;
};

constexpr std::size_t kMaxDepth = 100;  // deeper values exist only to exhaust a reader

std::string parse_fault(error_code error, std::size_t at, std::size_t size) {
  if (error == json::error::incomplete) return "JSON ends in the middle of a value";
  if (error == json::error::extra_data) {
    return "more text behind the JSON value, at byte " + std::to_string(at + 1);
  }
  if (error == json::error::too_deep) {
    return "JSON is nested deeper than " + std::to_string(kMaxDepth) + " levels";
  }
  return "no JSON: " + error.message() + " at byte " + std::to_string(std::min(at + 1, size));
}

Status parse(std::string_view text, json::basic_parser<FieldHandler>& parser) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return fail(Errc::kInvalidArgument, "no JSON: empty");
  }
  error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (!error && read < text.size()) error = json::error::extra_data;
  if (error) return fail(Errc::kInvalidArgument, parse_fault(error, read, text.size()));
  return {};
}

json::parse_options parse_options() {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  return options;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

Status check_json(std::string_view text) {
  json::basic_parser<FieldHandler> parser(parse_options(), std::string_view());
  return parse(text, parser);
}

Result<std::optional<std::string>> json_field(std::string_view text, std::string_view field) {
  json::basic_parser<FieldHandler> parser(parse_options(), field);
  PENSTOCK_TRY(parse(text, parser));
  const std::string name = "'" + std::string(field) + "'";
  switch (parser.handler().found()) {
    case FieldHandler::Found::kNoObject:
      return fail(Errc::kInvalidArgument,
                  "the JSON value is no object, so it has no field " + name);
    case FieldHandler::Found::kNothing:
      return fail(Errc::kInvalidArgument, "the object has no field " + name);
    case FieldHandler::Found::kNested:
      return fail(Errc::kInvalidArgument,
                  "the field " + name + " is an object or array, which cannot be a key");
    case FieldHandler::Found::kNull:
      return std::nullopt;
    case FieldHandler::Found::kScalar:
      return parser.handler().take_value();
  }
  return std::nullopt;
}

void append_compact_json(std::string& out, std::string_view json) {
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
    out += c;
    if (c == '"') in_string = !in_string;
    if (c == '\\' && in_string && i + 1 < json.size()) out += json[++i];
  }
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[static_cast<unsigned char>(c) >> 4];
          out += kHex[static_cast<unsigned char>(c) & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

bool is_plain_number(std::string_view text) {
  std::size_t at = 0;
  std::size_t digits = 0;
  const auto count_digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - begin;
  };
  if (text.starts_with('-')) ++at;
  const std::size_t whole_begin = at;
  const std::size_t whole = count_digits();
  if (whole == 0 || (whole > 1 && text[whole_begin] == '0')) return false;
  digits += whole;
  if (at < text.size() && text[at] == '.') {
    ++at;
    const std::size_t fraction = count_digits();
    if (fraction == 0) return false;
    digits += fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = count_digits();
    if (exponent == 0 || exponent > 2) return false;
  }
  return at == text.size() && digits <= 15;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= left ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

}  // namespace penstock::tools
