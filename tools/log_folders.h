// Where the logs of partitions are below a folder: what `dump` shows.
//
// A log's folder is one that holds segments or a checkpoint. Below a broker's data directory its
// path tells whose it is: topics/<topic>-<32 hex digits>/<partition>.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::tools {

struct LogFolder {
  std::string path;
  std::string topic;  // the folder's own name where it is no topic's
  PartitionId partition;
};

// Topic and partition that the end of a path names; none for another path.
std::optional<std::pair<std::string, PartitionId>> owner_of_path(std::string_view path);

// All log folders at or below `root`, by topic and partition. kNotFound when `root` is not there.
Result<std::vector<LogFolder>> find_log_folders(Env& env, const std::string& root);

}  // namespace penstock::tools
