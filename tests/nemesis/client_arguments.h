// What all clients of a nemesis run do alike: reading their command line, making a client, and
// beginning anew when something ends what they do.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/client.h"
#include "tests/nemesis/history_output.h"

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

// Calls `life(client)` until `is_done()`; what ends one is a line "error", and another one begins.
template <typename IsDone, typename Life>
void live_on(const std::vector<rpc::Endpoint>& bootstrap, const std::string& name,
             HistoryOutput& out, IsDone is_done, Life life) {
  std::unique_ptr<client::Client> client;
  while (!is_done()) {
    Status status;
    if (!client) {
      auto opened = open_client(bootstrap, name);
      if (opened) client = *std::move(opened);
      if (!opened) status = std::unexpected(std::move(opened).error());
    }
    if (client) status = life(*client);
    if (status) continue;
    out.line("error", R"("e":"%s")", quotable(status.error().to_string()).c_str());
    out.flush();
    std::this_thread::sleep_for(client::milliseconds(100));
  }
}

}  // namespace penstock::nemesis
