// The disk floors.
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/random.h"
#include "bench/floor.h"
#include "bench/limits.h"

namespace penstock::bench {
namespace {

// A file that goes when the measurement ends.
class ScratchFile {
 public:
  static Result<ScratchFile> create(Env& env, const std::string& dir, std::uint64_t bytes) {
    const std::string path = dir + "/penstock-floor-" + Rng(random_seed()).uuid().to_string();
    PENSTOCK_TRY_ASSIGN(auto file, env.open(path, OpenMode::kCreate));
    ScratchFile scratch(env, std::move(file));
    PENSTOCK_TRY(scratch.file().allocate(bytes));
    // The allocation itself is on disk before the clock starts, as with a segment in use.
    PENSTOCK_TRY(scratch.file().sync_data());
    return scratch;
  }

  ScratchFile(ScratchFile&&) = default;
  ScratchFile& operator=(ScratchFile&&) = delete;
  ~ScratchFile() {
    if (file_ == nullptr) return;
    // Nothing is lost if this fails: the next measurement has a name of its own.
    (void)env_->remove_file(file_->path());
  }

  File& file() { return *file_; }

 private:
  ScratchFile(Env& env, std::unique_ptr<File> file) : env_(&env), file_(std::move(file)) {}
  Env* env_;
  std::unique_ptr<File> file_;
};

Result<std::uint64_t> scratch_bytes(Env& env, const std::string& dir) {
  PENSTOCK_TRY_ASSIGN(const DiskSpace space, env.disk_space(dir));
  return std::min(kFloorFileBytes, space.available_bytes / kFloorDiskShare);
}

Bytes random_bytes(std::uint64_t seed, std::size_t size) {
  Rng rng(seed);
  Bytes bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.next());
  return bytes;
}

// Flushes on a thread of its own, one flush at a time.
class Flusher {
 public:
  explicit Flusher(File& file) : file_(file), thread_([this] { run(); }) {}
  ~Flusher() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  // Waits for the flush that is under way, if any, and begins the next one.
  Status begin() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    PENSTOCK_TRY(status_);
    busy_ = true;
    changed_.notify_all();
    return {};
  }
  Status wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    return status_;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return busy_ || ended_; });
      if (!busy_) return;
      lock.unlock();
      Status status = file_.sync_data();
      lock.lock();
      status_ = std::move(status);
      busy_ = false;
      changed_.notify_all();
    }
  }

  File& file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;  // guarded by mutex_, as all below
  bool ended_ = false;
  Status status_;
  std::thread thread_;  // last: it uses the others
};

Status write_stretch(File& file, std::uint64_t at, std::uint64_t bytes, ByteView block) {
  for (std::uint64_t done = 0; done < bytes;) {
    const std::uint64_t part = std::min<std::uint64_t>(block.size(), bytes - done);
    PENSTOCK_TRY(file.write_at(at + done, block.first(part)));
    done += part;
  }
  return {};
}

}  // namespace

Result<ThroughputFloor> flushed_write_floor(Env& env, const FloorOptions& options,
                                            std::uint64_t flush_bytes, FlushPattern pattern) {
  if (flush_bytes == 0) return fail(Errc::kInvalidArgument, "a flush of 0 bytes");
  PENSTOCK_TRY_ASSIGN(std::uint64_t file_bytes, scratch_bytes(env, options.dir));
  file_bytes = file_bytes / flush_bytes * flush_bytes;
  if (file_bytes == 0) {
    return fail(Errc::kDiskFull, options.dir + ": too little space to measure the disk");
  }
  PENSTOCK_TRY_ASSIGN(ScratchFile scratch, ScratchFile::create(env, options.dir, file_bytes));
  const Bytes block = random_bytes(options.seed, kFloorWriteBytes);

  ThroughputFloor floor;
  Flusher flusher(scratch.file());
  const std::int64_t start = system_clock().steady_ns();
  const auto limit_ns = static_cast<std::int64_t>(options.seconds * 1e9);
  while (system_clock().steady_ns() - start < limit_ns && floor.bytes < file_bytes) {
    PENSTOCK_TRY(write_stretch(scratch.file(), floor.bytes, flush_bytes, block));
    if (pattern == FlushPattern::kOverlapped) {
      PENSTOCK_TRY(flusher.begin());
    } else {
      PENSTOCK_TRY(scratch.file().sync_data());
    }
    floor.bytes += flush_bytes;
    ++floor.operations;
  }
  PENSTOCK_TRY(flusher.wait());
  floor.seconds = static_cast<double>(system_clock().steady_ns() - start) / 1e9;
  return floor;
}

Result<LatencyFloor> small_flush_floor(Env& env, const FloorOptions& options,
                                       std::size_t append_bytes) {
  // Far more than a disk can flush in any sensible time, and cheap to allocate.
  constexpr std::uint64_t kAppends = 100'000;
  PENSTOCK_TRY_ASSIGN(const std::uint64_t most, scratch_bytes(env, options.dir));
  const std::uint64_t file_bytes = std::min<std::uint64_t>(most, kAppends * append_bytes);
  PENSTOCK_TRY_ASSIGN(ScratchFile scratch, ScratchFile::create(env, options.dir, file_bytes));
  const Bytes block = random_bytes(options.seed, append_bytes);

  LatencyFloor floor;
  const std::int64_t start = system_clock().steady_ns();
  const auto limit_ns = static_cast<std::int64_t>(options.seconds * 1e9);
  std::int64_t now = start;
  for (std::uint64_t at = 0; now - start < limit_ns && at + append_bytes <= file_bytes;
       at += append_bytes) {
    const std::int64_t before = now;
    PENSTOCK_TRY(scratch.file().write_at(at, block));
    PENSTOCK_TRY(scratch.file().sync_data());
    now = system_clock().steady_ns();
    floor.latency.record(now - before);
  }
  return floor;
}

}  // namespace penstock::bench
