// The command line of penstockd: flags to a config, checked; help text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/server/broker_config.h"

namespace penstock::broker {

// Values of the flags as text was parsed into them.
struct FlagValues {
  std::string data_dir;
  std::string listen;
  std::string metrics_listen;
  std::string advertise;
  std::uint32_t shards = 0;
  std::uint32_t disk_threads = 0;
  std::uint32_t memory_limit_mb = 0;
  std::uint32_t disk_reserve_mb = 0;
  bool insecure_i_know = false;
};

// kInvalidArgument names the flag.
Result<BrokerConfig> config_from(const FlagValues& flags);

// kInvalidArgument for an argument that is no flag of ours (a near one is suggested), before gflags
// sees it.
Status check_arguments(const std::vector<std::string_view>& arguments);

std::string help_text();

}  // namespace penstock::broker
