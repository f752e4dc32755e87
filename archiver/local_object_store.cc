// LocalObjectStore: objects as files, made durable before they get their name.
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "archiver/duckdb.h"
#include "archiver/limits.h"
#include "archiver/object_store.h"
#include "base/assert.h"

namespace penstock::archiver {
namespace {

bool is_component(std::string_view part) {
  if (part.empty() || part == "." || part == "..") return false;
  return std::ranges::all_of(part, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '=' || c == '-';
  });
}

// Names come from manifests too, which are bytes from a disk: they must not lead out of the store.
Status check_name(std::string_view name) {
  std::string_view rest = name;
  while (true) {
    const std::size_t slash = rest.find('/');
    if (!is_component(rest.substr(0, slash))) {
      return fail(Errc::kInvalidArgument, "'" + std::string(name) + "' is no object name");
    }
    if (slash == std::string_view::npos) return {};
    rest.remove_prefix(slash + 1);
  }
}

ObjectVersion version_of(ByteView bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {record::Hash128{.low = hash.low64, .high = hash.high64}.to_string()};
}

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

Result<std::string> absolute(const std::string& path) {
  std::error_code error;
  std::string full = std::filesystem::absolute(path, error).lexically_normal().string();
  if (error) return fail(Errc::kIoError, path + ": " + error.message());
  while (full.size() > 1 && full.back() == '/') full.pop_back();
  PENSTOCK_TRY(engine::check_path(full));
  return full;
}

}  // namespace

Result<ObjectStat> hash_file(Env& env, const std::string& path) {
  PENSTOCK_TRY_ASSIGN(const auto file, env.open(path, OpenMode::kRead));
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  PENSTOCK_ASSERT(state != nullptr, "memory for a hash state");
  XXH3_128bits_reset(state.get());
  Bytes buffer(kCopyBytes);
  ObjectStat stat;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const std::size_t got, file->read_at(stat.size_bytes, buffer));
    XXH3_128bits_update(state.get(), buffer.data(), got);
    stat.size_bytes += got;
    if (got < buffer.size()) break;
  }
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  stat.hash = {.low = hash.low64, .high = hash.high64};
  return stat;
}

Result<std::unique_ptr<LocalObjectStore>> LocalObjectStore::open(Env& env, std::string root) {
  PENSTOCK_TRY_ASSIGN(root, absolute(root));
  std::unique_ptr<LocalObjectStore> store(new LocalObjectStore(env, std::move(root)));
  PENSTOCK_TRY(env.create_dirs(store->temporary_dir()));
  PENSTOCK_TRY(env.sync_dir(store->root_));
  PENSTOCK_TRY(env.sync_dir(dir_of(store->root_)));
  return store;
}

Result<std::unique_ptr<LocalObjectStore>> LocalObjectStore::open_existing(Env& env,
                                                                          std::string root) {
  PENSTOCK_TRY_ASSIGN(root, absolute(root));
  PENSTOCK_TRY_ASSIGN(const bool exists, env.exists(root));
  if (!exists) return fail(Errc::kNotFound, root + ": there is no archive");
  return std::unique_ptr<LocalObjectStore>(new LocalObjectStore(env, std::move(root)));
}

Result<std::unique_ptr<FileLock>> LocalObjectStore::lock_for_writing() {
  return env_.lock(root_ + "/@lock");
}

Result<std::unique_ptr<FileLock>> LocalObjectStore::lock_for_change() {
  auto lock = env_.lock(root_ + "/@change-lock");
  if (!lock && lock.error().code() == Errc::kLocked) {
    return fail(Errc::kOverloaded, root_ + ": another process is changing the archive");
  }
  return lock;
}

Status LocalObjectStore::create_parents(const std::string& name) {
  std::string folder = root_;
  std::string_view rest = name;
  for (std::size_t slash = rest.find('/'); slash != std::string_view::npos;
       slash = rest.find('/')) {
    const std::string parent = folder;
    folder += "/" + std::string(rest.substr(0, slash));
    rest.remove_prefix(slash + 1);
    PENSTOCK_TRY_ASSIGN(const bool exists, env_.exists(folder));
    if (!exists) PENSTOCK_TRY(env_.create_dirs(folder));
    // Also when it exists: whoever made it may have died before this.
    PENSTOCK_TRY(env_.sync_dir(parent));
  }
  return {};
}

Status LocalObjectStore::copy_into(const std::string& from, const std::string& to) {
  PENSTOCK_TRY_ASSIGN(const auto source, env_.open(from, OpenMode::kRead));
  PENSTOCK_TRY_ASSIGN(const auto target, env_.open(to, OpenMode::kOpenOrCreate));
  PENSTOCK_TRY(target->truncate(0));
  Bytes buffer(kCopyBytes);
  std::uint64_t position = 0;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const std::size_t got, source->read_at(position, buffer));
    PENSTOCK_TRY(target->write_at(position, ByteView(buffer).first(got)));
    position += got;
    if (got < buffer.size()) break;
  }
  return target->sync_data();
}

Status LocalObjectStore::put_file(const std::string& name, const std::string& path) {
  PENSTOCK_TRY(check_name(name));
  PENSTOCK_TRY_ASSIGN(const auto lock, lock_for_change());
  const std::string target = location(name);
  PENSTOCK_TRY_ASSIGN(const bool exists, env_.exists(target));
  if (exists) return fail(Errc::kAlreadyExists, "object " + name);
  PENSTOCK_TRY(create_parents(name));
  {
    PENSTOCK_TRY_ASSIGN(const auto file, env_.open(path, OpenMode::kReadWrite));
    PENSTOCK_TRY(file->sync_data());
  }
  if (!env_.rename(path, target)) {  // another file system, most likely: copy instead
    const std::string copy = temporary_dir() + "/put";
    PENSTOCK_TRY(copy_into(path, copy));
    PENSTOCK_TRY(env_.rename(copy, target));
    PENSTOCK_TRY(env_.remove_file(path));
  }
  return env_.sync_dir(dir_of(target));
}

Result<VersionedObject> LocalObjectStore::get(const std::string& name, std::uint64_t max_bytes) {
  PENSTOCK_TRY(check_name(name));
  PENSTOCK_TRY_ASSIGN(Bytes bytes, env_.read_file(location(name), max_bytes));
  ObjectVersion version = version_of(bytes);
  return VersionedObject{.bytes = std::move(bytes), .version = std::move(version)};
}

Result<ObjectStat> LocalObjectStore::stat(const std::string& name) {
  PENSTOCK_TRY(check_name(name));
  return hash_file(env_, location(name));
}

Status LocalObjectStore::list_below(const std::string& folder, const std::string& prefix,
                                    std::vector<std::string>& found) {
  auto entries = env_.list(folder.empty() ? root_ : location(folder));
  if (!entries && entries.error().code() == Errc::kNotFound) return {};
  if (!entries) return std::unexpected(std::move(entries).error());
  for (const FileInfo& entry : *entries) {
    if (!is_component(entry.name)) continue;  // the store's own, or nothing of ours
    const std::string name = folder.empty() ? entry.name : folder + "/" + entry.name;
    if (entry.is_dir) {
      const std::string inside = name + "/";
      if (inside.starts_with(prefix) || prefix.starts_with(inside)) {
        PENSTOCK_TRY(list_below(name, prefix, found));
      }
    } else if (name.starts_with(prefix)) {
      found.push_back(name);
    }
  }
  return {};
}

Result<std::vector<std::string>> LocalObjectStore::list(const std::string& prefix) {
  std::vector<std::string> found;
  PENSTOCK_TRY(list_below("", prefix, found));
  std::ranges::sort(found);
  return found;
}

Result<ObjectVersion> LocalObjectStore::replace(const std::string& name, ByteView bytes,
                                                const std::optional<ObjectVersion>& expected) {
  PENSTOCK_TRY(check_name(name));
  PENSTOCK_TRY_ASSIGN(const auto lock, lock_for_change());
  const std::string path = location(name);
  std::optional<ObjectVersion> current;
  if (auto file = env_.open(path, OpenMode::kRead)) {
    PENSTOCK_TRY_ASSIGN(const ObjectStat stat, hash_file(env_, path));
    current = ObjectVersion{stat.hash.to_string()};
  } else if (file.error().code() != Errc::kNotFound) {
    return std::unexpected(std::move(file).error());
  }
  if (current != expected) {
    return fail(Errc::kMismatch, name + " was changed by another writer");
  }
  PENSTOCK_TRY(create_parents(name));
  const std::string temporary = temporary_dir() + "/replace";
  {
    PENSTOCK_TRY_ASSIGN(const auto file, env_.open(temporary, OpenMode::kOpenOrCreate));
    PENSTOCK_TRY(file->truncate(0));
    PENSTOCK_TRY(file->write_at(0, bytes));
    PENSTOCK_TRY(file->sync_data());
  }
  PENSTOCK_TRY(env_.rename(temporary, path));
  PENSTOCK_TRY(env_.sync_dir(dir_of(path)));
  return version_of(bytes);
}

Status LocalObjectStore::remove(const std::string& name) {
  PENSTOCK_TRY(check_name(name));
  PENSTOCK_TRY_ASSIGN(const auto lock, lock_for_change());
  PENSTOCK_TRY(env_.remove_file(location(name)));
  return env_.sync_dir(dir_of(location(name)));
}

}  // namespace penstock::archiver
