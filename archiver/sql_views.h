// The archive's topics as views of the SQL engine.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "archiver/duckdb.h"
#include "archiver/manifest.h"
#include "archiver/object_store.h"
#include "base/result.h"

namespace penstock::archiver {

// Names of the manifests of each topic.
Result<std::map<std::string, std::vector<std::string>>> manifests_by_topic(ObjectStore& store);

Result<std::vector<Manifest>> load_manifests(ObjectStore& store,
                                             const std::vector<std::string>& names);

// Name of the view of each topic: its own, but the engine does not tell names of different case
// apart: those after the first get a number behind.
std::map<std::string, std::string> view_names(
    const std::map<std::string, std::vector<std::string>>& topics);

// Creates the view of one topic after a look at its values; `manifests` are those of its
// partitions.
Status create_view(engine::Connection& sql, const ObjectStore& store, const std::string& topic,
                   const std::string& view, const std::vector<Manifest>& manifests);

}  // namespace penstock::archiver
