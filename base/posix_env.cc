// Env on POSIX files.
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/file.h"

namespace penstock {
namespace {

// iovecs handed to the kernel at once; Linux allows 1024 (IOV_MAX).
constexpr std::size_t kMaxIovecs = 256;

Errc errc_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return Errc::kDiskFull;
    case ENOENT:
    case ENOTDIR:
      return Errc::kNotFound;
    case EEXIST:
      return Errc::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::kPermissionDenied;
    default:
      return Errc::kIoError;
  }
}

Error os_error(int error, const std::string& path, std::string_view what) {
  return Error(errc_of(error),
               std::string(what) + " " + path + ": " + std::generic_category().message(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

template <typename Call>
auto retry_on_eintr(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t position, MutableByteView into) const override {
    return read(position, into, 0);
  }

  Result<std::size_t> read_cached_at(std::uint64_t position, MutableByteView into) const override {
    return read(position, into, RWF_NOWAIT);
  }

  Status write_parts_at(std::uint64_t position, std::span<const ByteView> parts) override {
    std::array<iovec, kMaxIovecs> iovecs;
    std::size_t part = 0;
    std::size_t done_in_part = 0;
    while (part < parts.size()) {
      std::size_t count = 0;
      for (std::size_t i = part; i < parts.size() && count < kMaxIovecs; ++i) {
        const ByteView rest = parts[i].subspan(i == part ? done_in_part : 0);
        iovecs[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
      }
      const ssize_t written = retry_on_eintr([&] {
        return ::pwritev(fd_.get(), iovecs.data(), static_cast<int>(count),
                         static_cast<off_t>(position));
      });
      if (written < 0) return std::unexpected(os_error(errno, path_, "write"));
      position += static_cast<std::uint64_t>(written);
      auto left = static_cast<std::size_t>(written);
      while (part < parts.size() && left >= parts[part].size() - done_in_part) {
        left -= parts[part].size() - done_in_part;
        ++part;
        done_in_part = 0;
      }
      done_in_part += left;
    }
    return {};
  }

  Status sync_data() override {
    if (::fdatasync(fd_.get()) != 0) {
      return fail(Errc::kFsyncFailed,
                  "fdatasync " + path_ + ": " + std::generic_category().message(errno));
    }
    return {};
  }

  Status allocate(std::uint64_t size) override {
    PENSTOCK_TRY_ASSIGN(const std::uint64_t now, this->size());
    if (size <= now) return {};
    const int failed = retry_on_eintr([&] {
      return ::fallocate(fd_.get(), 0, static_cast<off_t>(now), static_cast<off_t>(size - now));
    });
    if (failed != 0 && errno == EOPNOTSUPP) return truncate(size);  // space is not reserved there
    if (failed != 0) return std::unexpected(os_error(errno, path_, "allocate"));
    return {};
  }

  Status truncate(std::uint64_t size) override {
    if (retry_on_eintr([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0) {
      return std::unexpected(os_error(errno, path_, "truncate"));
    }
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info;
    if (::fstat(fd_.get(), &info) != 0) return std::unexpected(os_error(errno, path_, "stat"));
    return static_cast<std::uint64_t>(info.st_size);
  }

  const std::string& path() const override { return path_; }

 private:
  Result<std::size_t> read(std::uint64_t position, MutableByteView into, int flags) const {
    std::size_t done = 0;
    while (done < into.size()) {
      iovec part{into.data() + done, into.size() - done};
      const ssize_t got = retry_on_eintr([&] {
        return ::preadv2(fd_.get(), &part, 1, static_cast<off_t>(position + done), flags);
      });
      if (got < 0 && errno == EAGAIN) return fail(Errc::kWouldBlock);
      // A file system without RWF_NOWAIT (tmpfs before 6.x) keeps its pages in memory or reads at
      // once.
      if (got < 0 && errno == EOPNOTSUPP && flags != 0) return read(position, into, 0);
      if (got < 0) return std::unexpected(os_error(errno, path_, "read"));
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}

 private:
  Descriptor fd_;
};

class PosixEnv final : public Env {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::kRead:
        flags |= O_RDONLY;
        break;
      case OpenMode::kReadWrite:
        flags |= O_RDWR;
        break;
      case OpenMode::kCreate:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
      case OpenMode::kOpenOrCreate:
        flags |= O_RDWR | O_CREAT;
        break;
    }
    const int fd = retry_on_eintr([&] { return ::open(path.c_str(), flags, 0640); });
    if (fd < 0) return std::unexpected(os_error(errno, path, "open"));
    return std::make_unique<PosixFile>(fd, path);
  }

  Status create_dirs(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return std::unexpected(os_error(error.value(), path, "create folder"));
    return {};
  }

  Result<std::vector<FileInfo>> list(const std::string& dir) override {
    DIR* handle = ::opendir(dir.c_str());
    if (handle == nullptr) return std::unexpected(os_error(errno, dir, "list"));
    std::vector<FileInfo> entries;
    errno = 0;
    while (const dirent* entry = ::readdir(handle)) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      bool is_dir = entry->d_type == DT_DIR;
      if (entry->d_type == DT_UNKNOWN) {
        struct stat info;
        is_dir = ::stat((dir + "/" + name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
        errno = 0;
      }
      entries.push_back({name, is_dir});
    }
    const int error = errno;
    ::closedir(handle);
    if (error != 0) return std::unexpected(os_error(error, dir, "list"));
    return entries;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return std::unexpected(os_error(errno, path, "stat"));
  }

  Status remove_file(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return std::unexpected(os_error(errno, path, "remove"));
    return {};
  }

  Status remove_tree(const std::string& dir) override {
    std::error_code error;
    std::filesystem::remove_all(dir, error);
    if (error) return std::unexpected(os_error(error.value(), dir, "remove folder"));
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return std::unexpected(os_error(errno, from, "rename"));
    }
    return {};
  }

  Status sync_dir(const std::string& dir) override {
    const Descriptor fd(
        retry_on_eintr([&] { return ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return std::unexpected(os_error(errno, dir, "open folder"));
    if (::fsync(fd.get()) != 0) {
      return fail(Errc::kFsyncFailed,
                  "fsync folder " + dir + ": " + std::generic_category().message(errno));
    }
    return {};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    const int fd =
        retry_on_eintr([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640); });
    if (fd < 0) return std::unexpected(os_error(errno, path, "open"));
    auto held = std::make_unique<PosixLock>(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return fail(Errc::kLocked, path + ": held by another process");
      return std::unexpected(os_error(errno, path, "lock"));
    }
    return held;
  }

  Result<DiskSpace> disk_space(const std::string& path) override {
    struct statvfs info;
    if (::statvfs(path.c_str(), &info) != 0)
      return std::unexpected(os_error(errno, path, "statvfs"));
    return DiskSpace{.total_bytes = static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize,
                     .available_bytes = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize};
  }
};

}  // namespace

Env& posix_env() {
  static PosixEnv env;
  return env;
}

}  // namespace penstock
