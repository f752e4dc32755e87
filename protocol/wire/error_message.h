// penstock::Error to and from its wire form.
//
// Format: message text on the wire is valid UTF-8 and at most kMaxErrorTextBytes long, whatever
// bytes the error quotes (protobuf parsers refuse a message whose strings are not UTF-8).
// Failure: a number that this build does not know becomes kInternal and keeps its text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "protocol/wire/errors.pb.h"

namespace penstock::wire {

// Enough for "what failed, where, what to do next"; bounds what one failed request can send back.
inline constexpr std::size_t kMaxErrorTextBytes = 1024;

void to_wire(const Error& error, v1::Error& out);
Error from_wire(const v1::Error& error);

// The `error` field of a response or of one of its parts: absent or code 0 is success.
template <typename Message>
Status status_of(const Message& message) {
  if (!message.has_error() || message.error().code() == 0) return {};
  return std::unexpected(from_wire(message.error()));
}

// Sets the `error` field of a response or of one of its parts.
template <typename Message>
void set_error(Message& message, const Error& error) {
  to_wire(error, *message.mutable_error());
}

// `text` with every byte that does not belong to valid UTF-8 replaced by '?', cut to at most
// `max_bytes` between two characters.
std::string utf8_prefix(std::string_view text, std::size_t max_bytes);

}  // namespace penstock::wire
