// The state of a cluster as tables for people, and as JSON for programs.
//
// Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "client/cluster_status.h"

namespace penstock::tools {

enum class Partitions { kUnusual, kAll };

// Brokers, then partitions with one line for each replica.
std::string status_text(const client::ClusterStatus& status, Partitions which);

boost::json::object status_json(const client::ClusterStatus& status, Partitions which);

}  // namespace penstock::tools
