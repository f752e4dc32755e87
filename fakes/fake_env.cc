#include "fakes/fake_env.h"

#include <algorithm>

#include "fakes/fake_disk.h"

namespace penstock::fakes {
namespace {

bool is_inside(const std::string& path, const std::string& dir) {
  return path == dir || path.starts_with(dir + "/");
}

}  // namespace

class HeldFakeLock final : public FileLock {
 public:
  HeldFakeLock(FakeEnv& env, std::string path, std::uint64_t life)
      : env_(env), path_(std::move(path)), life_(life) {}
  ~HeldFakeLock() override {
    const std::scoped_lock lock(env_.mutex_);
    if (env_.life_ == life_) env_.locks_.erase(path_);
  }

 private:
  FakeEnv& env_;
  const std::string path_;
  const std::uint64_t life_;
};

class OpenFakeFile final : public File {
 public:
  OpenFakeFile(FakeEnv& env, std::string path, std::shared_ptr<FakeFile> file, std::uint64_t life)
      : env_(env), path_(std::move(path)), file_(std::move(file)), life_(life) {}

  Result<std::size_t> read_at(std::uint64_t position, MutableByteView into) const override {
    const std::scoped_lock lock(env_.mutex_);
    return read(position, into);
  }

  Result<std::size_t> read_cached_at(std::uint64_t position, MutableByteView into) const override {
    const std::scoped_lock lock(env_.mutex_);
    if (env_.cold_) return fail(Errc::kWouldBlock);
    return read(position, into);
  }

  Status write_parts_at(std::uint64_t position, std::span<const ByteView> parts) override {
    const std::scoped_lock lock(env_.mutex_);
    const FakeEnv::Verdict verdict = judge(kWrite);
    Bytes bytes;
    for (const ByteView part : parts) bytes.insert(bytes.end(), part.begin(), part.end());
    // A disk that is full takes a part, too.
    if (verdict == FakeEnv::Verdict::kShort || verdict == FakeEnv::Verdict::kFull) {
      file_->write(position, ByteView(bytes).first(bytes.size() / 2), env_.changes_++);
    }
    if (verdict != FakeEnv::Verdict::kGo) return env_.refuse(verdict, kWrite, "write " + path_);
    if (!env_.fits(*file_, position + bytes.size())) {
      // As much as fits is written, as a real disk does.
      std::size_t room = bytes.size();
      while (room > 0 && !env_.fits(*file_, position + room)) --room;
      if (room > 0) file_->write(position, ByteView(bytes).first(room), env_.changes_++);
      return fail(Errc::kDiskFull, "write " + path_ + ": no space left on device");
    }
    file_->write(position, bytes, env_.changes_++);
    return {};
  }

  Status sync_data() override {
    const std::scoped_lock lock(env_.mutex_);
    const FakeEnv::Verdict verdict = judge(kSync);
    if (verdict != FakeEnv::Verdict::kGo) {
      if (!env_.dead_) file_->lose_unsynced();
      return fail(Errc::kFsyncFailed, "fdatasync " + path_ + ": input/output error");
    }
    file_->sync(env_.sync_until_);
    return {};
  }

  Status allocate(std::uint64_t size) override {
    const std::scoped_lock lock(env_.mutex_);
    const FakeEnv::Verdict verdict = judge(kAllocate);
    if (verdict != FakeEnv::Verdict::kGo) {
      return env_.refuse(verdict, kAllocate, "allocate " + path_);
    }
    if (size <= file_->seen.size()) return {};
    if (!env_.fits(*file_, size)) {
      return fail(Errc::kDiskFull, "allocate " + path_ + ": no space left on device");
    }
    file_->resize(size, env_.changes_++);
    return {};
  }

  Status truncate(std::uint64_t size) override {
    const std::scoped_lock lock(env_.mutex_);
    const FakeEnv::Verdict verdict = judge(kTruncate);
    if (verdict != FakeEnv::Verdict::kGo) {
      return env_.refuse(verdict, kTruncate, "truncate " + path_);
    }
    file_->resize(size, env_.changes_++);
    return {};
  }

  Result<std::uint64_t> size() const override {
    const std::scoped_lock lock(env_.mutex_);
    const FakeEnv::Verdict verdict = judge(kSize);
    if (verdict != FakeEnv::Verdict::kGo) {
      return fail(env_.refuse(verdict, kSize, "stat " + path_).error());
    }
    return file_->seen.size();
  }

  const std::string& path() const override { return path_; }

 private:
  FakeEnv::Verdict judge(Call call) const {
    if (env_.life_ != life_) return FakeEnv::Verdict::kFail;
    return env_.judge(call);
  }

  Result<std::size_t> read(std::uint64_t position, MutableByteView into) const {
    const FakeEnv::Verdict verdict = judge(kRead);
    const bool unreadable =
        !env_.unreadable_.empty() && path_.find(env_.unreadable_) != std::string::npos;
    if (verdict != FakeEnv::Verdict::kGo || unreadable) {
      return fail(Errc::kIoError, "read " + path_ + ": input/output error");
    }
    const Bytes& contents = file_->seen;
    if (position >= contents.size()) return 0;
    const std::size_t size = std::min<std::size_t>(into.size(), contents.size() - position);
    std::copy_n(contents.begin() + static_cast<std::ptrdiff_t>(position), size, into.begin());
    return size;
  }

  FakeEnv& env_;
  const std::string path_;
  const std::shared_ptr<FakeFile> file_;
  const std::uint64_t life_;
};

FakeEnv::FakeEnv() {
  auto root = std::make_unique<FakeDir>();
  root->is_durable = true;
  dirs_["/"] = std::move(root);
}
FakeEnv::~FakeEnv() = default;

// --- faults

FakeEnv::Verdict FakeEnv::judge(Call call) {
  ++counts_[call];
  if (dead_) return Verdict::kFail;
  if (!plan_ || (plan_->calls & call) == 0) return Verdict::kGo;
  if (matched_++ != plan_->at_call) return Verdict::kGo;
  happened_ = true;
  switch (plan_->fault) {
    case Fault::kIoError:
      return Verdict::kFail;
    case Fault::kDiskFull: {
      constexpr std::uint32_t kNeedSpace = kOpen | kWrite | kAllocate | kCreateDirs | kRename;
      return (call & kNeedSpace) != 0 ? Verdict::kFull : Verdict::kFail;
    }
    case Fault::kShortWrite:
      return call == kWrite ? Verdict::kShort : Verdict::kFail;
    case Fault::kKill:
      dead_ = true;
      return Verdict::kFail;
  }
  return Verdict::kFail;
}

Status FakeEnv::refuse(Verdict verdict, Call call, const std::string& what) const {
  if (verdict == Verdict::kFull) {
    return fail(Errc::kDiskFull, what + ": no space left on device");
  }
  if (call == kSyncDir) return fail(Errc::kFsyncFailed, what + ": input/output error");
  return fail(Errc::kIoError, what + ": input/output error");
}

void FakeEnv::plan_fault(FaultPlan plan) {
  const std::scoped_lock lock(mutex_);
  plan_ = plan;
  matched_ = 0;
  happened_ = false;
}

void FakeEnv::clear_faults() {
  const std::scoped_lock lock(mutex_);
  plan_.reset();
  dead_ = false;
  unreadable_.clear();
}

bool FakeEnv::fault_happened() const {
  const std::scoped_lock lock(mutex_);
  return happened_;
}

std::uint64_t FakeEnv::calls(std::uint32_t kinds) const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [call, count] : counts_) {
    if ((kinds & call) != 0) sum += count;
  }
  return sum;
}

void FakeEnv::reset_calls() {
  const std::scoped_lock lock(mutex_);
  counts_.clear();
}

void FakeEnv::set_capacity(std::optional<std::uint64_t> bytes) {
  const std::scoped_lock lock(mutex_);
  capacity_ = bytes;
}

std::uint64_t FakeEnv::used() const {
  std::uint64_t sum = 0;
  for (const auto& [path, dir] : dirs_) {
    for (const auto& [name, file] : dir->seen) sum += file->seen.size();
  }
  return sum;
}

std::uint64_t FakeEnv::used_bytes() const {
  const std::scoped_lock lock(mutex_);
  return used();
}

bool FakeEnv::fits(const FakeFile& file, std::uint64_t new_size) const {
  if (!capacity_ || new_size <= file.seen.size()) return true;
  return used() - file.seen.size() + new_size <= *capacity_;
}

void FakeEnv::fail_reads_of(std::string part) {
  const std::scoped_lock lock(mutex_);
  unreadable_ = std::move(part);
}

void FakeEnv::set_cold(bool cold) {
  const std::scoped_lock lock(mutex_);
  cold_ = cold;
}

Moment FakeEnv::moment() const {
  const std::scoped_lock lock(mutex_);
  return changes_;
}

Status FakeEnv::as_begun_at(Moment moment, const std::function<Status()>& work) {
  const auto sync_until = [this](Moment until) {
    const std::scoped_lock lock(mutex_);
    sync_until_ = until;
  };
  sync_until(moment);
  Status done = work();
  sync_until(kNow);
  return done;
}

void FakeEnv::crash(Survives survives, Rng& rng) {
  const std::scoped_lock lock(mutex_);
  ++life_;
  locks_.clear();
  plan_.reset();
  dead_ = false;
  capacity_.reset();
  unreadable_.clear();
  // A folder that is not durable takes everything below it along.
  std::set<std::string> lost;
  for (const auto& [path, dir] : dirs_) {  // parents come first
    const bool stays = dir->is_durable || survives == Survives::kEverything ||
                       (survives == Survives::kRandomPart && rng.below(2) == 0);
    if (!stays || lost.contains(dir_of(path))) lost.insert(path);
  }
  lost.erase("/");
  for (const std::string& path : lost) dirs_.erase(path);
  std::set<FakeFile*> done;
  for (auto& [path, dir] : dirs_) {
    dir->is_durable = true;
    dir->crash(survives, rng);
    for (auto& [name, file] : dir->seen) {
      if (done.insert(file.get()).second) file->crash(survives, rng);
    }
  }
}

// --- files and folders

FakeDir* FakeEnv::dir_of_path(const std::string& path) const {
  const auto found = dirs_.find(dir_of(path));
  return found == dirs_.end() ? nullptr : found->second.get();
}

std::shared_ptr<FakeFile> FakeEnv::find(const std::string& path) const {
  const FakeDir* dir = dir_of_path(path);
  if (dir == nullptr) return nullptr;
  const auto found = dir->seen.find(name_of(path));
  return found == dir->seen.end() ? nullptr : found->second;
}

Result<std::unique_ptr<File>> FakeEnv::open(const std::string& path, OpenMode mode) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kOpen);
  auto file = find(path);
  const bool creates =
      mode == OpenMode::kCreate || (mode == OpenMode::kOpenOrCreate && file == nullptr);
  if (verdict != Verdict::kGo) {
    const Verdict as = verdict == Verdict::kFull && !creates ? Verdict::kFail : verdict;
    return fail(refuse(as, kOpen, "open " + path).error());
  }
  FakeDir* const dir = dir_of_path(path);
  if (dir == nullptr) return fail(Errc::kNotFound, "open " + path + ": no such folder");
  if (creates && file != nullptr) return fail(Errc::kAlreadyExists, "open " + path);
  if (!creates && file == nullptr) {
    return fail(Errc::kNotFound, "open " + path + ": no such file or directory");
  }
  if (creates) {
    file = std::make_shared<FakeFile>();
    dir->set(name_of(path), file, changes_++);
  }
  return std::make_unique<OpenFakeFile>(*this, path, file, life_);
}

Status FakeEnv::create_dirs(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kCreateDirs);
  if (verdict != Verdict::kGo) return refuse(verdict, kCreateDirs, "create folder " + path);
  for (std::string dir = path; !dirs_.contains(dir) && dir != "."; dir = dir_of(dir)) {
    dirs_[dir] = std::make_unique<FakeDir>();
    dirs_[dir]->made_at = changes_++;
  }
  return {};
}

Result<std::vector<FileInfo>> FakeEnv::list(const std::string& dir) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kList);
  if (verdict != Verdict::kGo) return fail(refuse(verdict, kList, "list " + dir).error());
  const auto found = dirs_.find(dir);
  if (found == dirs_.end()) return fail(Errc::kNotFound, "list " + dir);
  std::vector<FileInfo> entries;
  for (const auto& [name, file] : found->second->seen) entries.push_back({name, false});
  for (const auto& [path, other] : dirs_) {
    if (path != dir && dir_of(path) == dir) entries.push_back({name_of(path), true});
  }
  return entries;
}

Result<bool> FakeEnv::exists(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kExists);
  if (verdict != Verdict::kGo) return fail(refuse(verdict, kExists, "stat " + path).error());
  return dirs_.contains(path) || find(path) != nullptr;
}

Status FakeEnv::remove_file(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kRemove);
  if (verdict != Verdict::kGo) return refuse(verdict, kRemove, "remove " + path);
  if (find(path) == nullptr) return fail(Errc::kNotFound, "remove " + path);
  dir_of_path(path)->set(name_of(path), nullptr, changes_++);
  return {};
}

Status FakeEnv::remove_tree(const std::string& dir) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kRemove);
  if (verdict != Verdict::kGo) return refuse(verdict, kRemove, "remove " + dir);
  std::erase_if(dirs_, [&](const auto& entry) { return is_inside(entry.first, dir); });
  return {};
}

Status FakeEnv::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kRename);
  if (verdict != Verdict::kGo) return refuse(verdict, kRename, "rename " + from);
  const auto file = find(from);
  if (file == nullptr) {
    // A whole folder, at once durable: partitions are not renamed under a running log.
    std::map<std::string, std::unique_ptr<FakeDir>> moved;
    for (auto entry = dirs_.begin(); entry != dirs_.end();) {
      if (!is_inside(entry->first, from)) {
        ++entry;
        continue;
      }
      moved[to + entry->first.substr(from.size())] = std::move(entry->second);
      entry = dirs_.erase(entry);
    }
    if (moved.empty()) return fail(Errc::kNotFound, "rename " + from);
    dirs_.merge(moved);
    return {};
  }
  FakeDir* const target = dir_of_path(to);
  if (target == nullptr) return fail(Errc::kNotFound, "rename to " + to + ": no such folder");
  if (dir_of(from) == dir_of(to)) {
    target->rename(name_of(from), name_of(to), changes_++);
  } else {
    target->set(name_of(to), file, changes_++);
    dir_of_path(from)->set(name_of(from), nullptr, changes_++);
  }
  return {};
}

Status FakeEnv::sync_dir(const std::string& dir) {
  const std::scoped_lock lock(mutex_);
  const Verdict verdict = judge(kSyncDir);
  const auto found = dirs_.find(dir);
  if (verdict != Verdict::kGo) {
    if (!dead_ && found != dirs_.end()) found->second->journal.clear();
    return fail(Errc::kFsyncFailed, "fsync folder " + dir + ": input/output error");
  }
  if (found == dirs_.end()) return fail(Errc::kNotFound, "fsync folder " + dir);
  found->second->sync(sync_until_);
  for (const auto& [path, child] : dirs_) {
    if (dir_of(path) == dir && child->made_at < sync_until_) child->is_durable = true;
  }
  return {};
}

Result<std::unique_ptr<FileLock>> FakeEnv::lock(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!locks_.insert(path).second) return fail(Errc::kLocked, path + ": held by another process");
  return std::make_unique<HeldFakeLock>(*this, path, life_);
}

Result<DiskSpace> FakeEnv::disk_space(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  static_cast<void>(path);
  const std::uint64_t total = capacity_.value_or(1ULL << 40);
  const std::uint64_t taken = used();
  return DiskSpace{total, total > taken ? total - taken : 0};
}

}  // namespace penstock::fakes
