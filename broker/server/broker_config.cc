#include "broker/server/broker_config.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <thread>

#include "broker/controller/limits.h"
#include "broker/server/limits.h"

namespace penstock::broker {
namespace {

std::unexpected<Error> wrong(std::string what) {
  return fail(Errc::kInvalidArgument, std::move(what));
}

Status check_local(const char* flag, const rpc::Endpoint& endpoint, OutsideAccess outside) {
  if (is_loopback(endpoint.host) || outside == OutsideAccess::kAccepted) return {};
  return wrong(std::string(flag) + "=" + endpoint.to_string() +
               " can be reached from other machines, and there is no authentication yet: anybody "
               "there could read, write and delete everything. Listen on 127.0.0.1, or accept that "
               "with --insecure_i_know");
}

}  // namespace

bool is_loopback(const std::string& host) {
  if (host == "localhost") return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_loopback();
}

bool is_wildcard(const std::string& host) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  return !error && address.is_unspecified();
}

std::uint32_t default_shards() {
  return std::clamp(std::thread::hardware_concurrency() / 2, 1U, 2U);
}

std::uint32_t max_connections(std::uint64_t descriptors, std::size_t shards) {
  const std::uint64_t share = descriptors / kConnectionDescriptorsDivisor / shards;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(share, 1, kMaxConnectionsPerShard));
}

Status validate(const BrokerConfig& config) {
  if (config.data_dir.empty()) return wrong("--data_dir is missing: the folder to keep records in");
  PENSTOCK_TRY(check_local("--listen", config.listen, config.outside));
  PENSTOCK_TRY(check_local("--metrics_listen", config.metrics_listen, config.outside));
  if (config.cluster_seed.size() > kMaxSeeds) {
    return wrong("--cluster_seed names at most " + std::to_string(kMaxSeeds) +
                 " brokers; a few are enough to find all");
  }
  if (!config.cluster_seed.empty() && !config.advertise && is_wildcard(config.listen.host)) {
    return wrong("--listen=" + config.listen.to_string() +
                 " is no address that the other brokers could be told; add --advertise=HOST:PORT");
  }
  if (config.rack.size() > kMaxRackBytes) {
    return wrong("--rack is a name of at most " + std::to_string(kMaxRackBytes) + " bytes");
  }
  if (config.shards > kMaxShards) {
    return wrong("--shards is 0 (as many as are of use) to " + std::to_string(kMaxShards));
  }
  if (config.disk_threads < 2 || config.disk_threads > kMaxDiskThreads) {
    return wrong("--disk_threads is 2 to " + std::to_string(kMaxDiskThreads));
  }
  if (config.memory_limit_bytes < kMinMemoryLimitBytes) {
    return wrong("--memory_limit_mb is at least " + std::to_string(kMinMemoryLimitBytes >> 20));
  }
  if (config.compaction_bytes_per_second == 0 || config.compaction_memory_bytes == 0) {
    return wrong("--compaction_mb_per_s and --compaction_memory_mb are at least 1");
  }
  return {};
}

}  // namespace penstock::broker
