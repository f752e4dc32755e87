#include "broker/server/topic_folders.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/log.h"
#include "broker/server/partition_rules.h"

namespace penstock::broker {
namespace {

constexpr std::size_t kMaxPlacedFileBytes = 64;
// Stands before the time at the end of the name of a replica that went to trash.
constexpr std::string_view kTrashedAt = ".trashed-";

std::string folder_name(const Uuid& id, const std::string& name) {
  return name + "-" + id.to_string();
}

}  // namespace

Status TopicFolders::load() {
  auto contents = dir_.env().read_file(placed_file(), kMaxPlacedFileBytes);
  if (!contents && contents.error().code() == Errc::kNotFound) return {};
  if (!contents) return fail(std::move(contents).error());
  const std::string_view text = as_text(*contents);
  std::int64_t offset = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error != std::errc{} || std::string_view(end, text.data() + text.size()) != "\n") {
    return fail(Errc::kCorrupt, placed_file() +
                                    " does not hold one number; if every topic's folder "
                                    "is in place, remove the file and start again");
  }
  placed_ = Offset(offset);
  return {};
}

Status TopicFolders::mark_placed(Offset applied) {
  if (applied <= placed_) return {};
  PENSTOCK_TRY(
      dir_.env().replace_file(placed_file(), as_bytes(std::to_string(applied.value()) + "\n")));
  placed_ = applied;
  return {};
}

bool TopicFolders::was_placed(const PartitionImage& partition, raft::NodeId self) const {
  return std::ranges::any_of(partition.replicas, [&](const ReplicaImage& replica) {
    return replica.broker == self && replica.since < placed_;
  });
}

Result<Replica::Opened> TopicFolders::open_partition(const TopicImage& topic, PartitionId partition,
                                                     Term term_floor) const {
  const std::string path = dir_.partition_dir(topic, partition);
  PENSTOCK_TRY_ASSIGN(const bool there, dir_.env().exists(path));
  const raft::NodeId self(dir_.identity().node_id);
  if (!there && was_placed(topic.partition(partition), self)) {
    if (topic.partition(partition).replicas.size() == 1) {
      return fail(
          Errc::kPartitionDamaged,
          "the folder " + path +
              " is gone, and the records of the partition with it; restore it from a copy and "
              "restart, or delete the topic");
    }
    logger("placer").warn("the folder is gone; the other replicas fill a new one folder={}", path);
  }
  if (!there) PENSTOCK_TRY(dir_.env().create_dirs(path));
  const TopicPartition id{topic.id, partition};
  ReplicaOptions options;
  options.self = self;
  options.first_membership.voters = topic.first_voters(partition, self, placed_);
  options.seed = seed_ ^ std::hash<TopicPartition>()(id);
  options.term_floor = term_floor;
  return Replica::open(dir_.env(), clock_, path, storage::LogIdentity{id},
                       partition_rules(topic.settings).log, std::move(options), known_vote_(id));
}

Result<std::shared_ptr<GroupCoordinator>> TopicFolders::open_groups(const TopicImage& topic,
                                                                    PartitionId partition,
                                                                    Replica& replica) const {
  return GroupCoordinator::open(dir_.env(), clock_, dir_.state_snapshots(topic, partition),
                                {topic.id, partition}, replica);
}

Result<std::vector<PartitionId>> TopicFolders::folders_of(const TopicImage& topic) const {
  std::vector<PartitionId> found;
  const auto entries = dir_.env().list(dir_.topic_dir(topic));
  if (!entries && entries.error().code() == Errc::kNotFound) return found;
  if (!entries) return fail(entries.error());
  for (const FileInfo& entry : *entries) {
    std::int32_t number = 0;
    const char* const end = entry.name.data() + entry.name.size();
    const auto [at, error] = std::from_chars(entry.name.data(), end, number);
    const bool is_one = error == std::errc{} && at == end && number >= 0;
    if (is_one && static_cast<std::uint32_t>(number) < topic.partitions) {
      found.emplace_back(number);
    }
  }
  return found;
}

Status TopicFolders::sync_topic(const TopicImage& topic) const {
  PENSTOCK_TRY(dir_.env().sync_dir(dir_.topic_dir(topic)));
  return dir_.env().sync_dir(dir_.topics_dir());
}

Status TopicFolders::trash(const Uuid& id, const std::string& name) const {
  const std::string from = dir_.topics_dir() + "/" + folder_name(id, name);
  PENSTOCK_TRY_ASSIGN(const bool there, dir_.env().exists(from));
  if (!there) return {};
  PENSTOCK_TRY(dir_.env().rename(from, dir_.trash_dir() + "/" + folder_name(id, name)));
  PENSTOCK_TRY(dir_.env().sync_dir(dir_.trash_dir()));
  return dir_.env().sync_dir(dir_.topics_dir());
}

Status TopicFolders::trash_partition(const TopicImage& topic, PartitionId partition) const {
  const std::string from = dir_.partition_dir(topic, partition);
  PENSTOCK_TRY_ASSIGN(const bool there, dir_.env().exists(from));
  if (!there) return {};
  // Beside the topic's own place in trash, and never onto a copy that went there before.
  const std::string to = dir_.trash_dir() + "/" + folder_name(topic.id, topic.name) + "." +
                         std::to_string(partition.value()) + ".at-" +
                         std::to_string(placed_.value()) + std::string(kTrashedAt) +
                         std::to_string(clock_.wall().ms());
  PENSTOCK_TRY(dir_.env().rename(from, to));
  PENSTOCK_TRY(dir_.env().sync_dir(dir_.trash_dir()));
  return dir_.env().sync_dir(dir_.topic_dir(topic));
}

Result<std::size_t> TopicFolders::empty_old_trash(Timestamp before) const {
  PENSTOCK_TRY_ASSIGN(const auto entries, dir_.env().list(dir_.trash_dir()));
  std::size_t removed = 0;
  for (const FileInfo& entry : entries) {
    const auto at = entry.name.rfind(kTrashedAt);
    if (at == std::string::npos) continue;
    const std::string_view time = std::string_view(entry.name).substr(at + kTrashedAt.size());
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(time.data(), time.data() + time.size(), ms);
    if (error != std::errc{} || end != time.data() + time.size()) continue;  // not ours
    if (Timestamp(ms) >= before) continue;
    PENSTOCK_TRY(dir_.env().remove_tree(dir_.trash_dir() + "/" + entry.name));
    ++removed;
  }
  if (removed > 0) PENSTOCK_TRY(dir_.env().sync_dir(dir_.trash_dir()));
  return removed;
}

Status TopicFolders::empty_trash(const Uuid& id, const std::string& name) const {
  const std::string path = dir_.trash_dir() + "/" + folder_name(id, name);
  PENSTOCK_TRY_ASSIGN(const bool there, dir_.env().exists(path));
  if (!there) return {};
  PENSTOCK_TRY(dir_.env().remove_tree(path));
  return dir_.env().sync_dir(dir_.trash_dir());
}

Result<std::vector<std::string>> TopicFolders::unknown_folders(
    const ClusterImage& image, const std::map<Uuid, std::string>& deleted) const {
  std::set<std::string> known;
  for (const auto& [name, topic] : image.topics()) known.insert(folder_name(topic->id, name));
  for (const auto& [id, name] : deleted) known.insert(folder_name(id, name));
  std::vector<std::string> unknown;
  PENSTOCK_TRY_ASSIGN(const auto entries, dir_.env().list(dir_.topics_dir()));
  for (const FileInfo& entry : entries) {
    if (!known.contains(entry.name)) unknown.push_back(dir_.topics_dir() + "/" + entry.name);
  }
  return unknown;
}

}  // namespace penstock::broker
