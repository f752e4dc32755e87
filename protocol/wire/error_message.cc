#include "protocol/wire/error_message.h"

#include <algorithm>

namespace penstock::wire {
namespace {

bool is_continuation(unsigned char c) { return (c & 0xc0) == 0x80; }

// Length of the well-formed UTF-8 character at the front of `text`, 0 if there is none
// (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t character_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(at(i))) return 0;
  }
  const unsigned char second = at(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool too_high = lead == 0xf4 && second > 0x8f;
  return overlong || surrogate || too_high ? 0 : size;
}

}  // namespace

std::string utf8_prefix(std::string_view text, std::size_t max_bytes) {
  std::string valid;
  valid.reserve(std::min(text.size(), max_bytes));
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const std::string_view character = size == 0 ? "?" : text.substr(0, size);
    if (valid.size() + character.size() > max_bytes) break;
    valid += character;
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return valid;
}

void to_wire(const Error& error, v1::Error& out) {
  out.set_code(info(error.code()).number);
  out.set_message(utf8_prefix(error.message(), kMaxErrorTextBytes));
}

Error from_wire(const v1::Error& error) {
  const Errc code = errc_from_wire(error.code());
  if (error.message().empty()) return Error(code);
  return {code, error.message()};
}

}  // namespace penstock::wire
