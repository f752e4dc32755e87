// UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace penstock::tools {

// Bytes of the code point at the front of `text` (1 to 4); 0 when there is no valid one.
std::size_t utf8_length(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace penstock::tools
