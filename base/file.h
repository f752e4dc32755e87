// Env: the operating system's files as one interface, so that a test can put a failing disk behind
// it.
//
// Invariants: every call does what it says or returns why not; no call retries an fsync; EINTR is
// handled below this line.
// Threads: an Env may be used from any thread. A File may be read, written and synced from
// different threads at once (positions are explicit); the caller orders overlapping writes.
// Lifetime: a File closes at destruction; closing never implies durability.
// Failure: kDiskFull for ENOSPC and EDQUOT, kNotFound, kAlreadyExists, kPermissionDenied, kLocked,
// kFsyncFailed from the sync calls, kIoError for the rest; the message names the path and the
// reason.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock {

class File {
 public:
  virtual ~File() = default;

  // Fills `into` from `position`; returns how many bytes there were, fewer only at the end of the
  // file.
  virtual Result<std::size_t> read_at(std::uint64_t position, MutableByteView into) const = 0;

  // As read_at, but never waits for the disk: kWouldBlock when a page is not in memory.
  virtual Result<std::size_t> read_cached_at(std::uint64_t position,
                                             MutableByteView into) const = 0;

  // Writes all parts one behind the other at `position`. On failure any prefix may have been
  // written. Not durable before sync_data().
  virtual Status write_parts_at(std::uint64_t position, std::span<const ByteView> parts) = 0;

  // fdatasync: returned means that every write which returned before the call is durable, and the
  // size. After a failure nothing that was written since the last success can be trusted; do not
  // call again.
  virtual Status sync_data() = 0;

  // Extends the file with zero bytes up to `size`, with disk space reserved so that writes below it
  // cannot meet a full disk. No effect if the file is that large already.
  virtual Status allocate(std::uint64_t size) = 0;

  virtual Status truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  virtual const std::string& path() const = 0;

  Status write_at(std::uint64_t position, ByteView bytes) {
    return write_parts_at(position, std::span(&bytes, 1));
  }
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // must not exist
  kOpenOrCreate,
};

struct FileInfo {
  std::string name;  // without the folder
  bool is_dir = false;
};

struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // to this user
};

// Held while it lives; the operating system releases it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class Env {
 public:
  virtual ~Env() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Status create_dirs(const std::string& path) = 0;
  // In no particular order, without "." and "..".
  virtual Result<std::vector<FileInfo>> list(const std::string& dir) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Status remove_file(const std::string& path) = 0;
  virtual Status remove_tree(const std::string& dir) = 0;
  // Atomic within one file system; replaces `to`. Durable after sync_dir of the folder(s).
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Makes creations, renames and removals in `dir` durable.
  virtual Status sync_dir(const std::string& dir) = 0;
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  virtual Result<DiskSpace> disk_space(const std::string& path) = 0;

  // Shorthands on top of the calls above.
  Result<Bytes> read_file(const std::string& path, std::uint64_t max_bytes);
  // Atomic and durable replacement: temporary file, write, sync, rename, sync of the folder.
  Status replace_file(const std::string& path, ByteView contents);
};

// The real one (POSIX); one instance serves the process.
Env& posix_env();

// Folder part of a path ("." when there is none).
std::string dir_of(const std::string& path);

}  // namespace penstock
