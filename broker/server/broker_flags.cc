#include "broker/server/broker_flags.h"

#include <algorithm>

namespace penstock::broker {
namespace {

Result<rpc::Endpoint> endpoint_of(std::string_view flag, const std::string& text) {
  auto endpoint = rpc::Endpoint::parse(text);
  if (!endpoint) return fail(std::move(endpoint).error().context("--" + std::string(flag)));
  return endpoint;
}

// An address to listen on; unlike one to connect to, it may have port 0.
Result<rpc::Endpoint> listening_of(std::string_view flag, const std::string& text) {
  constexpr std::string_view kAnyPort = ":0";
  if (!text.ends_with(kAnyPort)) return endpoint_of(flag, text);
  PENSTOCK_TRY_ASSIGN(rpc::Endpoint endpoint,
                      endpoint_of(flag, text.substr(0, text.size() - kAnyPort.size()) + ":1"));
  endpoint.port = 0;
  return endpoint;
}

// "host:port,host:port"
Result<std::vector<rpc::Endpoint>> endpoints_of(std::string_view flag, std::string_view text) {
  std::vector<rpc::Endpoint> endpoints;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    PENSTOCK_TRY_ASSIGN(endpoints.emplace_back(),
                        endpoint_of(flag, std::string(text.substr(0, comma))));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return endpoints;
}

}  // namespace

Result<BrokerConfig> config_from(const FlagValues& flags) {
  BrokerConfig config;
  config.data_dir = flags.data_dir;
  PENSTOCK_TRY_ASSIGN(config.listen, listening_of("listen", flags.listen));
  PENSTOCK_TRY_ASSIGN(config.metrics_listen, listening_of("metrics_listen", flags.metrics_listen));
  if (!flags.advertise.empty()) {
    PENSTOCK_TRY_ASSIGN(config.advertise, endpoint_of("advertise", flags.advertise));
  }
  PENSTOCK_TRY_ASSIGN(config.cluster_seed, endpoints_of("cluster_seed", flags.cluster_seed));
  config.rack = flags.rack;
  config.shards = flags.shards;
  config.disk_threads = flags.disk_threads;
  config.memory_limit_bytes = std::uint64_t{flags.memory_limit_mb} << 20;
  config.disk_reserve_bytes = std::uint64_t{flags.disk_reserve_mb} << 20;
  config.catch_up_bytes_per_second = std::uint64_t{flags.catch_up_mb_per_s} << 20;
  config.compaction_bytes_per_second = std::uint64_t{flags.compaction_mb_per_s} << 20;
  config.compaction_memory_bytes = std::uint64_t{flags.compaction_memory_mb} << 20;
  config.outside = flags.insecure_i_know ? OutsideAccess::kAccepted : OutsideAccess::kRefused;
  PENSTOCK_TRY(validate(config));
  return config;
}

}  // namespace penstock::broker
