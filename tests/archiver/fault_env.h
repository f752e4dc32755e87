// FaultEnv: the real files, until the n-th operation that changes something; there the process is
// taken to die, and nothing changes any more.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"

namespace penstock::archiver {

enum class FaultKind {
  kDie,       // this and every later change fails
  kDiskFull,  // this one fails with kDiskFull; a write leaves half of its bytes
  kIoError,   // this one fails
};

class FaultEnv final : public Env {
 public:
  explicit FaultEnv(Env& real) : real_(real) {}

  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  // The `at`-th change from now on (0: the next) meets the fault.
  void plan(std::uint64_t at, FaultKind kind) {
    changes_ = 0;
    at_ = at;
    kind_ = kind;
  }
  std::uint64_t changes() const { return changes_; }
  bool met() const { return changes_ > at_; }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status create_dirs(const std::string& path) override;
  Result<std::vector<FileInfo>> list(const std::string& dir) override { return real_.list(dir); }
  Result<bool> exists(const std::string& path) override { return real_.exists(path); }
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& dir) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status sync_dir(const std::string& dir) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    return real_.lock(path);
  }
  Result<DiskSpace> disk_space(const std::string& path) override { return real_.disk_space(path); }

  // Counts a change; its fault when it meets one.
  Status change();
  FaultKind kind() const { return kind_; }

 private:
  Env& real_;
  std::uint64_t at_ = kNever;
  FaultKind kind_ = FaultKind::kDie;
  std::uint64_t changes_ = 0;
};

}  // namespace penstock::archiver
