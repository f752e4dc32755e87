// The disk floors.
#include <algorithm>
#include <memory>

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

}  // namespace

Result<ThroughputFloor> flushed_write_floor(Env& env, const FloorOptions& options,
                                            std::uint64_t flush_bytes) {
  if (flush_bytes == 0) return fail(Errc::kInvalidArgument, "a flush of 0 bytes");
  PENSTOCK_TRY_ASSIGN(std::uint64_t file_bytes, scratch_bytes(env, options.dir));
  file_bytes = file_bytes / flush_bytes * flush_bytes;
  if (file_bytes == 0) {
    return fail(Errc::kDiskFull, options.dir + ": too little space to measure the disk");
  }
  PENSTOCK_TRY_ASSIGN(ScratchFile scratch, ScratchFile::create(env, options.dir, file_bytes));
  const Bytes block = random_bytes(options.seed, kFloorWriteBytes);

  ThroughputFloor floor;
  const std::int64_t start = system_clock().steady_ns();
  const auto limit_ns = static_cast<std::int64_t>(options.seconds * 1e9);
  std::int64_t now = start;
  while (now - start < limit_ns && floor.bytes < file_bytes) {
    for (std::uint64_t done = 0; done < flush_bytes;) {
      const std::uint64_t part = std::min<std::uint64_t>(block.size(), flush_bytes - done);
      PENSTOCK_TRY(scratch.file().write_at(floor.bytes + done, ByteView(block).first(part)));
      done += part;
    }
    PENSTOCK_TRY(scratch.file().sync_data());
    floor.bytes += flush_bytes;
    ++floor.operations;
    now = system_clock().steady_ns();
  }
  floor.seconds = static_cast<double>(now - start) / 1e9;
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
