// DataDir: the broker's folder: who owns it, and where everything in it is.
//
//   node                          identity (node_identity.h)
//   LOCK                          held by the running broker
//   meta/                         the metadata log
//   topics/<name>-<id>/<number>/  one partition's log
//   votes                         terms and votes of the partitions' replicas
//   placed                        up to which metadata offset partitions have their folders
//   trash/                        folders of deleted topics on their way out
// Invariants: `node` is written first and durably, so a folder that holds anything else without it
// is not ours; a creation that was cut short is completed by the next start. Lifetime: holds the
// lock while it lives. Failure: kForeignData for a folder that is not Penstock's, kLocked,
// kPermissionDenied, kUnsupportedVersion; the message says what to do.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"
#include "base/random.h"
#include "base/result.h"
#include "broker/controller/cluster_image.h"
#include "broker/server/node_identity.h"

namespace penstock::broker {

class DataDir {
 public:
  // Opens the folder, or creates it and a new cluster in it.
  static Result<DataDir> open(Env& env, std::string path, std::int32_t node_id, Rng& rng);

  const std::string& path() const { return path_; }
  const NodeIdentity& identity() const { return identity_; }
  Env& env() const { return *env_; }
  bool created() const { return created_; }

  std::string meta_dir() const { return path_ + "/meta"; }
  std::string topics_dir() const { return path_ + "/topics"; }
  std::string trash_dir() const { return path_ + "/trash"; }
  std::string topic_dir(const TopicImage& topic) const;
  std::string partition_dir(const TopicImage& topic, PartitionId partition) const;

 private:
  DataDir(Env& env, std::string path) : env_(&env), path_(std::move(path)) {}
  Status load_or_create(std::int32_t node_id, Rng& rng);

  Env* env_;
  std::string path_;
  NodeIdentity identity_;
  bool created_ = false;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace penstock::broker
