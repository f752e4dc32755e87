// JSON as text: check it, compact it, take one field of it, write strings; without building a tree.
//
// The text is kept as it was written: numbers keep their digits, strings their escapes, objects
// their order and duplicates.
// Failure: kInvalidArgument says what is wrong and at which byte.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::tools {

// One complete JSON value (RFC 8259, UTF-8), with white space around it allowed; nesting up to 100.
Status check_json(std::string_view text);

// As check_json(); also finds the member `field` of the object that `text` is (the last one, if it
// is there more than once). A string comes decoded, a number or boolean as it is written, null as
// none. An error when the text is no object, has no such member, or the member is an object or
// array.
Result<std::optional<std::string>> json_field(std::string_view text, std::string_view field);

// Appends `json`, which check_json() accepts, without the white space between its tokens: one line.
void append_compact_json(std::string& out, std::string_view json);

// Appends `text` in quotes. Precondition: `text` is UTF-8.
void append_json_string(std::string& out, std::string_view text);

// True for what RFC 8259 calls a number, with at most 15 significant digits, so that every reader
// gets the same value.
bool is_plain_number(std::string_view text);

// RFC 4648, section 4, with padding.
std::string base64(std::string_view bytes);

}  // namespace penstock::tools
