// What all clients of a nemesis run do alike: reading their command line and making a client.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"

namespace penstock::nemesis {

inline std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// From HOST:PORT,...
inline std::optional<std::vector<rpc::Endpoint>> endpoints_of(const std::string& text) {
  std::vector<rpc::Endpoint> endpoints;
  for (const std::string& part : parts_of(text)) {
    auto endpoint = rpc::Endpoint::parse(part);
    if (!endpoint) return std::nullopt;
    endpoints.push_back(*std::move(endpoint));
  }
  return endpoints;
}

// A client that gives up soon: in a nemesis run the next broker is the better one to ask.
inline Result<std::unique_ptr<client::Client>> open_client(
    const std::vector<rpc::Endpoint>& bootstrap, const std::string& name) {
  return client::Client::open({.bootstrap = bootstrap,
                               .client_name = name,
                               .connect_timeout = client::milliseconds(1'000),
                               .request_timeout = client::milliseconds(5'000),
                               .retry_backoff_max = client::milliseconds(200)});
}

}  // namespace penstock::nemesis
