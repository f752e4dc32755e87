#include "tests/archiver/fault_env.h"

#include <utility>

namespace penstock::archiver {
namespace {

class FaultFile final : public File {
 public:
  FaultFile(std::unique_ptr<File> real, FaultEnv& env) : real_(std::move(real)), env_(env) {}

  Result<std::size_t> read_at(std::uint64_t position, MutableByteView into) const override {
    return real_->read_at(position, into);
  }
  Result<std::size_t> read_cached_at(std::uint64_t position, MutableByteView into) const override {
    return real_->read_cached_at(position, into);
  }
  Status write_parts_at(std::uint64_t position, std::span<const ByteView> parts) override {
    const Status allowed = env_.change();
    if (!allowed && !parts.empty()) {
      const ByteView half = parts.back().first(parts.back().size() / 2);
      (void)real_->write_at(position, half);
    }
    PENSTOCK_TRY(allowed);
    return real_->write_parts_at(position, parts);
  }
  Status sync_data() override {
    PENSTOCK_TRY(env_.change());
    return real_->sync_data();
  }
  Status allocate(std::uint64_t size) override {
    PENSTOCK_TRY(env_.change());
    return real_->allocate(size);
  }
  Status truncate(std::uint64_t size) override {
    PENSTOCK_TRY(env_.change());
    return real_->truncate(size);
  }
  Result<std::uint64_t> size() const override { return real_->size(); }
  const std::string& path() const override { return real_->path(); }

 private:
  std::unique_ptr<File> real_;
  FaultEnv& env_;
};

}  // namespace

Status FaultEnv::change() {
  const std::uint64_t number = changes_++;
  if (kind_ == FaultKind::kDie && number >= at_) return fail(Errc::kIoError, "the process is dead");
  if (number != at_) return {};
  return fail(kind_ == FaultKind::kDiskFull ? Errc::kDiskFull : Errc::kIoError, "injected fault");
}

Result<std::unique_ptr<File>> FaultEnv::open(const std::string& path, OpenMode mode) {
  if (mode == OpenMode::kCreate || mode == OpenMode::kOpenOrCreate) PENSTOCK_TRY(change());
  PENSTOCK_TRY_ASSIGN(auto file, real_.open(path, mode));
  return std::make_unique<FaultFile>(std::move(file), *this);
}

Status FaultEnv::create_dirs(const std::string& path) {
  PENSTOCK_TRY(change());
  return real_.create_dirs(path);
}

Status FaultEnv::remove_file(const std::string& path) {
  PENSTOCK_TRY(change());
  return real_.remove_file(path);
}

Status FaultEnv::remove_tree(const std::string& dir) {
  PENSTOCK_TRY(change());
  return real_.remove_tree(dir);
}

Status FaultEnv::rename(const std::string& from, const std::string& to) {
  PENSTOCK_TRY(change());
  return real_.rename(from, to);
}

Status FaultEnv::sync_dir(const std::string& dir) {
  PENSTOCK_TRY(change());
  return real_.sync_dir(dir);
}

}  // namespace penstock::archiver
