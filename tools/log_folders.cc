#include "tools/log_folders.h"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "storage/segment_name.h"

namespace penstock::tools {
namespace {

// DATA_DIR/broker/topics/<topic>/<partition>: deeper there is nothing of ours.
constexpr int kMaxDepth = 4;
constexpr std::size_t kIdDigits = 32;

std::string_view last_part(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool is_log_folder(const std::vector<FileInfo>& entries) {
  return std::ranges::any_of(entries, [](const FileInfo& entry) {
    return !entry.is_dir &&
           (entry.name == storage::kCheckpointName || storage::parse_segment_name(entry.name));
  });
}

Status find_below(Env& env, const std::string& path, int depth, std::vector<LogFolder>& found) {
  PENSTOCK_TRY_ASSIGN(const auto entries, env.list(path));
  if (is_log_folder(entries)) {
    LogFolder folder{.path = path, .topic = std::string(last_part(path)), .partition = {}};
    if (const auto owner = owner_of_path(path)) std::tie(folder.topic, folder.partition) = *owner;
    found.push_back(std::move(folder));
    return {};
  }
  if (depth == kMaxDepth) return {};
  for (const FileInfo& entry : entries) {
    if (entry.is_dir) PENSTOCK_TRY(find_below(env, path + "/" + entry.name, depth + 1, found));
  }
  return {};
}

}  // namespace

std::optional<std::pair<std::string, PartitionId>> owner_of_path(std::string_view path) {
  const std::string_view number = last_part(path);
  std::int32_t partition = 0;
  const auto [end, error] =
      std::from_chars(number.data(), number.data() + number.size(), partition);
  if (error != std::errc() || end != number.data() + number.size() || partition < 0) {
    return std::nullopt;
  }
  if (number.size() == path.size()) return std::nullopt;
  const std::string_view topic = last_part(path.substr(0, path.size() - number.size() - 1));
  if (topic.size() < kIdDigits + 2) return std::nullopt;
  const std::size_t dash = topic.size() - kIdDigits - 1;
  if (topic[dash] != '-' || !Uuid::parse(topic.substr(dash + 1))) return std::nullopt;
  return std::pair(std::string(topic.substr(0, dash)), PartitionId(partition));
}

Result<std::vector<LogFolder>> find_log_folders(Env& env, const std::string& root) {
  std::string path = root;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::vector<LogFolder> found;
  PENSTOCK_TRY(find_below(env, path, 0, found));
  std::ranges::sort(found, {}, [](const LogFolder& folder) {
    return std::tie(folder.topic, folder.partition, folder.path);
  });
  return found;
}

}  // namespace penstock::tools
