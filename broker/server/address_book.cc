#include "broker/server/address_book.h"

#include <cstdio>
#include <sstream>
#include <utility>

#include "base/log.h"
#include "broker/controller/limits.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

// A line for every broker there may be.
constexpr std::size_t kMaxFileBytes = (kMaxBrokers + 1) * (kMaxHostBytes + 32);
constexpr std::string_view kCrcName = "crc32c ";

std::string crc_line(std::string_view lines) {
  char text[32];
  std::snprintf(text, sizeof text, "crc32c %08x\n", record::crc32c(as_bytes(lines)));
  return text;
}

}  // namespace

std::string encode_addresses(const PeerAddresses& addresses) {
  std::string text;
  for (const auto& [broker, endpoint] : addresses) {
    text += std::to_string(broker.value()) + " " + endpoint.host + " " +
            std::to_string(endpoint.port) + "\n";
  }
  return text + crc_line(text);
}

Result<PeerAddresses> decode_addresses(std::string_view text) {
  const auto corrupt = [] { return fail(Errc::kCorrupt, "the file of addresses is damaged"); };
  const auto crc_at = text.rfind(kCrcName);
  if (crc_at == std::string_view::npos) return corrupt();
  const std::string_view lines = text.substr(0, crc_at);
  if (text.substr(crc_at) != crc_line(lines)) return corrupt();
  PeerAddresses addresses;
  std::istringstream in{std::string(lines)};
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::int32_t broker = 0;
    rpc::Endpoint endpoint;
    if (!(fields >> broker >> endpoint.host >> endpoint.port)) return corrupt();
    addresses[raft::NodeId(broker)] = std::move(endpoint);
  }
  return addresses;
}

Status AddressBook::load() {
  const auto contents = env_.read_file(file_, kMaxFileBytes);
  if (!contents && contents.error().code() == Errc::kNotFound) return {};
  if (!contents) return fail(contents.error());
  auto addresses = decode_addresses(as_text(*contents));
  if (!addresses) {
    logger("broker").warn("{} file={}; the others will be found by --cluster_seed, or find us",
                          addresses.error().message(), file_);
    return {};
  }
  learn(*addresses);
  saved_ = as_text(*contents);
  return {};
}

bool AddressBook::learn(const PeerAddresses& addresses) {
  bool changed = false;
  for (const auto& [broker, endpoint] : addresses) {
    if (broker == self_ || endpoint.host.empty() || endpoint.port == 0) continue;
    const auto [at, is_new] = peers_.try_emplace(broker, endpoint);
    if (!is_new && at->second != endpoint) {
      at->second = endpoint;
      changed = true;
    }
    changed |= is_new;
  }
  return changed;
}

bool AddressBook::learn(const ClusterImage::Brokers& brokers) {
  if (brokers.empty()) return false;  // no metadata yet
  PeerAddresses addresses;
  for (const auto& [id, broker] : brokers) {
    addresses[id] = {broker.host, broker.port};
  }
  const auto gone =
      std::erase_if(peers_, [&](const auto& known) { return !addresses.contains(known.first); });
  return learn(addresses) || gone > 0;
}

Status AddressBook::save(const PeerAddresses& addresses) {
  std::string text = encode_addresses(addresses);
  if (text == saved_) return {};
  PENSTOCK_TRY(env_.replace_file(file_, as_bytes(text)));
  saved_ = std::move(text);
  return {};
}

}  // namespace penstock::broker
