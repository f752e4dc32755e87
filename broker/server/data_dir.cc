#include "broker/server/data_dir.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace penstock::broker {
namespace {

constexpr std::string_view kNodeFile = "/node";
// What a creation that was cut short may have left.
constexpr std::array<std::string_view, 2> kBeforeIdentity = {"LOCK", "node.tmp"};
// What a freshly made file system puts into its root.
constexpr std::string_view kLostAndFound = "lost+found";

Error in_dir(const std::string& path, Error error) {
  return std::move(error).context("data directory " + path);
}

}  // namespace

Result<DataDir> DataDir::open(Env& env, std::string path, NewFolder kind, Rng& rng) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  DataDir dir(env, std::move(path));
  if (Status made = env.create_dirs(dir.path_); !made) {
    return fail(in_dir(dir.path_, std::move(made).error()));
  }
  // A foreign folder is left as it is: not even a lock file is put into it.
  PENSTOCK_TRY_ASSIGN(const bool known, env.exists(dir.path_ + std::string(kNodeFile)));
  if (!known) {
    PENSTOCK_TRY_ASSIGN(const auto entries, env.list(dir.path_));
    for (const FileInfo& entry : entries) {
      if (entry.name == kLostAndFound ||
          std::ranges::find(kBeforeIdentity, entry.name) != kBeforeIdentity.end()) {
        continue;
      }
      return fail(Errc::kForeignData,
                  "data directory " + dir.path_ + " holds '" + entry.name +
                      "' but no node file: it is not Penstock's. Choose an empty folder with "
                      "--data_dir, or restore the node file");
    }
  }
  auto lock = env.lock(dir.path_ + "/LOCK");
  if (!lock) {
    if (lock.error().code() == Errc::kLocked) {
      return fail(Errc::kLocked, "data directory " + dir.path_ +
                                     " is in use by another penstockd; stop it, or choose another "
                                     "folder with --data_dir");
    }
    return fail(in_dir(dir.path_, std::move(lock).error()));
  }
  dir.lock_ = *std::move(lock);
  if (Status loaded = dir.load_or_create(kind, rng); !loaded) {
    return fail(in_dir(dir.path_, std::move(loaded).error()));
  }
  return dir;
}

Status DataDir::load_or_create(NewFolder kind, Rng& rng) {
  const std::string file = path_ + std::string(kNodeFile);
  PENSTOCK_TRY_ASSIGN(const bool exists, env_->exists(file));
  if (exists) {
    PENSTOCK_TRY_ASSIGN(const Bytes contents, env_->read_file(file, kMaxNodeFileBytes));
    PENSTOCK_TRY_ASSIGN(identity_, decode_node_identity(contents));
    if (!is_member() && kind == NewFolder::kBeginsCluster) {
      return fail(
          Errc::kInvalidArgument,
          "was made to join a cluster and has not joined yet; start it with --cluster_seed, "
          "or choose another folder");
    }
  } else {
    created_ = true;
    NodeIdentity identity{.cluster_id = {}, .node_id = kNoBrokerId, .directory_id = rng.uuid()};
    if (kind == NewFolder::kBeginsCluster) {
      identity.cluster_id = rng.uuid();
      identity.node_id = kFirstBrokerId;
    }
    PENSTOCK_TRY(write_identity(identity));
    PENSTOCK_TRY(env_->sync_dir(dir_of(path_)));
  }
  for (const std::string& dir : {meta_dir(), topics_dir(), trash_dir()}) {
    PENSTOCK_TRY(env_->create_dirs(dir));
  }
  return env_->sync_dir(path_);
}

Status DataDir::write_identity(const NodeIdentity& identity) {
  PENSTOCK_TRY(env_->replace_file(path_ + std::string(kNodeFile), as_bytes(encode(identity))));
  identity_ = identity;
  return {};
}

Status DataDir::become_member(Uuid cluster_id, std::int32_t broker_id) {
  return write_identity({cluster_id, broker_id, identity_.directory_id});
}

std::string DataDir::topic_dir(const TopicImage& topic) const {
  return topics_dir() + "/" + topic.name + "-" + topic.id.to_string();
}

std::string DataDir::partition_dir(const TopicImage& topic, PartitionId partition) const {
  return topic_dir(topic) + "/" + std::to_string(partition.value());
}

std::string DataDir::state_snapshots(const TopicImage& topic, PartitionId partition) const {
  return partition_dir(topic, partition) + ".state";
}

}  // namespace penstock::broker
