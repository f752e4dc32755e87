// BrokerConfig: what a broker is started with: plain values, checked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/host/limits.h"
#include "broker/partition/limits.h"
#include "protocol/rpc/endpoint.h"

namespace penstock::broker {

enum class OutsideAccess : std::uint8_t {
  kRefused,   // listening beyond this machine is an error
  kAccepted,  // the operator knows that there is no authentication
};

struct BrokerConfig {
  std::string data_dir;
  rpc::Endpoint listen{"127.0.0.1", rpc::kDefaultPort};
  rpc::Endpoint metrics_listen{"127.0.0.1", 7334};
  std::optional<rpc::Endpoint> advertise;   // none: the address that the client used
  std::vector<rpc::Endpoint> cluster_seed;  // brokers to join; none: begin a cluster, or go on
  std::string rack;
  std::uint32_t shards = 0;  // 0: default_shards()
  std::uint32_t disk_threads = 4;
  std::uint64_t memory_limit_bytes = 512U << 20;
  std::uint64_t disk_reserve_bytes = 256U << 20;
  std::uint64_t catch_up_bytes_per_second = kCatchUpBytesPerSecond;  // 0: no limit
  std::uint64_t compaction_bytes_per_second = kCompactionBytesPerSecond;
  std::uint64_t compaction_memory_bytes = storage::kCompactionMapBytes;
  OutsideAccess outside = OutsideAccess::kRefused;
};

// kInvalidArgument names the flag and what it may be.
Status validate(const BrokerConfig& config);

// Half the cores, one or two: the other half is for the disk, the kernel and, on small machines,
// the clients. Measured on two cores, one shard carries small requests a quarter faster than two,
// which pay for hops, and large ones alike.
std::uint32_t default_shards();

// Connections that one shard may hold in a process that may have so many descriptors.
std::uint32_t max_connections(std::uint64_t descriptors, std::size_t shards);

// "0.0.0.0", "::": all addresses of the machine, none that others could be told.
bool is_wildcard(const std::string& host);

// "127.0.0.0/8", "::1", "localhost".
bool is_loopback(const std::string& host);

}  // namespace penstock::broker
