// DataDir: the broker's folder: who owns it, and where everything in it is.
//
//   node                          identity (node_identity.h)
//   LOCK                          held by the running broker
//   meta/                         the metadata log
//   meta-snapshots/               snapshots of the metadata (state_host_snapshots.h)
//   peers                         where the other brokers are (address_book.h)
//   topics/<name>-<id>/<number>/  one partition's log
//   votes                         terms and votes of the replicas
//   placed                        up to which metadata offset partitions have their folders
//   reserve                       space for the next start (start_reserve.h)
//   trash/                        folders of topics and replicas on their way out
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

// What an empty folder becomes.
enum class NewFolder : std::uint8_t {
  kBeginsCluster,  // its first broker
  kJoinsCluster,   // a broker without a number, which become_member() gives it
};

class DataDir {
 public:
  static Result<DataDir> open(Env& env, std::string path, NewFolder kind, Rng& rng);

  bool is_member() const { return identity_.node_id != kNoBrokerId; }
  // Durable: from now on the folder is that broker, for ever.
  Status become_member(Uuid cluster_id, std::int32_t broker_id);

  const std::string& path() const { return path_; }
  const NodeIdentity& identity() const { return identity_; }
  Env& env() const { return *env_; }
  bool created() const { return created_; }

  std::string meta_dir() const { return path_ + "/meta"; }
  std::string metadata_snapshots() const { return path_ + "/meta-snapshots"; }
  std::string peers_file() const { return path_ + "/peers"; }
  std::string reserve_file() const { return path_ + "/reserve"; }
  std::string topics_dir() const { return path_ + "/topics"; }
  std::string trash_dir() const { return path_ + "/trash"; }
  std::string topic_dir(const TopicImage& topic) const;
  std::string partition_dir(const TopicImage& topic, PartitionId partition) const;
  // Of the state that a partition's log is about, beside its folder.
  std::string state_snapshots(const TopicImage& topic, PartitionId partition) const;

 private:
  DataDir(Env& env, std::string path) : env_(&env), path_(std::move(path)) {}
  Status load_or_create(NewFolder kind, Rng& rng);
  Status write_identity(const NodeIdentity& identity);

  Env* env_;
  std::string path_;
  NodeIdentity identity_;
  bool created_ = false;
  std::unique_ptr<FileLock> lock_;
};

}  // namespace penstock::broker
