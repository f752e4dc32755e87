// Endpoint: where a broker listens; free of Asio, so that configurations can name it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::rpc {

inline constexpr std::uint16_t kDefaultPort = 7333;

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  // "host:port", "[v6]:port", or "host" with the default port 7333. kInvalidArgument.
  static Result<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace penstock::rpc
