// AsyncGroups: administration of consumer groups as coroutines.
//
// Threads: the cluster's executor. Failure: what may pass is tried again until request_timeout;
// kUnknownGroup, kGroupNotEmpty and the like at once.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/cluster.h"

namespace penstock::client {

class AsyncGroups {
 public:
  explicit AsyncGroups(Cluster& cluster) : cluster_(cluster) {}

  Task<Result<std::vector<GroupListing>>> list();
  Task<Result<GroupDescription>> describe(std::string group, std::optional<LogEnds> explain_with);
  Task<Result<std::vector<GroupResetDone>>> reset(std::string group,
                                                  std::vector<GroupReset> changes,
                                                  Rehearsal rehearsal);
  Task<Status> remove(std::string group);

 private:
  struct Partial {
    std::map<std::string, GroupListing> groups;
    std::set<std::int32_t> partitions;
    std::uint32_t partitions_in_all = 0;
  };
  Task<Status> list_at(BrokerId broker, Partial& found, rpc::Deadline deadline);
  rpc::Deadline deadline() const;

  Cluster& cluster_;
};

}  // namespace penstock::client
