// Looking at the disk, and changing it, past the programs that use it.
#include <algorithm>

#include "base/assert.h"
#include "fakes/fake_disk.h"
#include "fakes/fake_env.h"

namespace penstock::fakes {

std::optional<Bytes> FakeEnv::contents(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  const auto file = find(path);
  if (file == nullptr) return std::nullopt;
  return file->seen;
}

Bytes FakeEnv::contents(const std::string& path, std::uint64_t begin, std::uint64_t end) const {
  const std::scoped_lock lock(mutex_);
  const auto file = find(path);
  if (file == nullptr) return {};
  const std::uint64_t size = file->seen.size();
  const auto at = [&](std::uint64_t position) {
    return file->seen.begin() + static_cast<std::ptrdiff_t>(std::min(position, size));
  };
  return Bytes(at(begin), at(std::max(begin, end)));
}

bool FakeEnv::is_safe(const std::string& path, std::uint64_t begin, std::uint64_t end) const {
  const std::scoped_lock lock(mutex_);
  const FakeDir* const dir = dir_of_path(path);
  if (dir == nullptr || !dir->is_safe(name_of(path))) return false;
  for (std::string above = dir_of(path); above != "/"; above = dir_of(above)) {
    if (!dirs_.at(above)->is_durable) return false;
  }
  return dir->seen.at(name_of(path))->is_safe(begin, end);
}

void FakeEnv::put(const std::string& path, ByteView contents) {
  const std::scoped_lock lock(mutex_);
  FakeDir* const dir = dir_of_path(path);
  PENSTOCK_ASSERT(dir != nullptr, "the folder exists");
  auto file = find(path);
  if (file == nullptr) {
    file = std::make_shared<FakeFile>();
    dir->seen[name_of(path)] = file;
  }
  dir->durable[name_of(path)] = file;
  file->seen.assign(contents.begin(), contents.end());
  file->durable = file->seen;
  file->journal.clear();
}

void FakeEnv::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  FakeDir* const dir = dir_of_path(path);
  if (dir == nullptr) return;
  dir->seen.erase(name_of(path));
  dir->durable.erase(name_of(path));
}

std::vector<std::string> FakeEnv::files(const std::string& dir) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> paths;
  const auto found = dirs_.find(dir);
  if (found == dirs_.end()) return paths;
  for (const auto& [name, file] : found->second->seen) paths.push_back(dir + "/" + name);
  return paths;
}

void FakeEnv::sync_everything() {
  const std::scoped_lock lock(mutex_);
  for (auto& [path, dir] : dirs_) {
    dir->is_durable = true;
    dir->sync();
    for (auto& [name, file] : dir->seen) file->sync();
  }
}

std::unique_ptr<FakeEnv> FakeEnv::clone() const {
  const std::scoped_lock lock(mutex_);
  auto copy = std::make_unique<FakeEnv>();
  std::map<const FakeFile*, std::shared_ptr<FakeFile>> files;
  const auto copied = [&](const std::shared_ptr<FakeFile>& file) -> std::shared_ptr<FakeFile> {
    if (file == nullptr) return nullptr;
    auto& twin = files[file.get()];
    if (twin == nullptr) twin = std::make_shared<FakeFile>(*file);
    return twin;
  };
  for (const auto& [path, dir] : dirs_) {
    auto twin = std::make_unique<FakeDir>();
    twin->is_durable = dir->is_durable;
    twin->made_at = dir->made_at;
    for (const auto& [name, file] : dir->seen) twin->seen[name] = copied(file);
    for (const auto& [name, file] : dir->durable) twin->durable[name] = copied(file);
    for (const auto& change : dir->journal) {
      twin->journal.push_back({change.name, copied(change.file), change.renamed_from, change.at});
    }
    copy->dirs_[path] = std::move(twin);
  }
  copy->changes_ = changes_;
  return copy;
}

}  // namespace penstock::fakes
