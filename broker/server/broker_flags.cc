#include "broker/server/broker_flags.h"

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

}  // namespace

Result<BrokerConfig> config_from(const FlagValues& flags) {
  BrokerConfig config;
  config.data_dir = flags.data_dir;
  PENSTOCK_TRY_ASSIGN(config.listen, listening_of("listen", flags.listen));
  PENSTOCK_TRY_ASSIGN(config.metrics_listen, listening_of("metrics_listen", flags.metrics_listen));
  if (!flags.advertise.empty()) {
    PENSTOCK_TRY_ASSIGN(config.advertise, endpoint_of("advertise", flags.advertise));
  }
  config.shards = flags.shards;
  config.disk_threads = flags.disk_threads;
  config.memory_limit_bytes = std::uint64_t{flags.memory_limit_mb} << 20;
  config.disk_reserve_bytes = std::uint64_t{flags.disk_reserve_mb} << 20;
  config.outside = flags.insecure_i_know ? OutsideAccess::kAccepted : OutsideAccess::kRefused;
  PENSTOCK_TRY(validate(config));
  return config;
}

}  // namespace penstock::broker
