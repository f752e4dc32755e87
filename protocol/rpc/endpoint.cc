// "host:port" and back.
#include "protocol/rpc/endpoint.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace penstock::rpc {
namespace {

Error bad_endpoint(std::string_view text, std::string_view why) {
  return {Errc::kInvalidArgument, "'" + std::string(text) + "' is no address (" + std::string(why) +
                                      "); write HOST, HOST:PORT or [IPV6]:PORT"};
}

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  std::string_view host = text;
  std::string_view port;  // with its colon
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(bad_endpoint(text, "no closing bracket"));
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (text.find(':', colon + 1) != std::string_view::npos) {
      return fail(bad_endpoint(text, "an IPv6 address stands in brackets"));
    }
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  if (host.empty()) return fail(bad_endpoint(text, "the host is missing"));
  if (host.find_first_of(" \t/@[]") != std::string_view::npos) {
    return fail(bad_endpoint(text, "the host holds a character that no host has"));
  }
  Endpoint endpoint{.host = std::string(host), .port = kDefaultPort};
  if (port.empty()) return endpoint;
  const auto number = port.front() == ':' ? parse_port(port.substr(1)) : std::nullopt;
  if (!number) return fail(bad_endpoint(text, "a port is a number from 1 to 65535"));
  endpoint.port = *number;
  return endpoint;
}

std::string Endpoint::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace penstock::rpc
