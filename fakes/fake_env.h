// FakeEnv: a disk in memory whose options are the fault model.
//
// It tells apart what programs see (volatile) from what a power cut leaves (durable):
//   - bytes, size, truncation and allocation of a file become durable by sync_data() of the file;
//   - creation, renaming and removal by sync_dir() of the folder; a folder itself by sync_dir() of
//     its parent, and a lost one takes all below it along;
//   - crash() keeps none, all, or a random part of what was not yet durable: single 512-byte
//     sectors, single folder operations, later ones without earlier ones.
// Faults come at the k-th call of chosen kinds. After a failed sync the bytes that it should have
// saved never become durable, whatever later syncs say, as on Linux.
// Threads: any. Lifetime: files and locks opened before a crash() fail afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/random.h"

namespace penstock::fakes {

// Kinds of calls, as bits, for FaultPlan::calls.
enum Call : std::uint32_t {
  kOpen = 1U << 0,
  kRead = 1U << 1,
  kWrite = 1U << 2,
  kSync = 1U << 3,
  kAllocate = 1U << 4,
  kTruncate = 1U << 5,
  kSize = 1U << 6,
  kCreateDirs = 1U << 7,
  kList = 1U << 8,
  kExists = 1U << 9,
  kRemove = 1U << 10,
  kRename = 1U << 11,
  kSyncDir = 1U << 12,
  kEveryCall = (1U << 13) - 1,
};

enum class Fault {
  kIoError,     // the call fails; a failed sync loses what it should have saved
  kDiskFull,    // calls that need space fail with kDiskFull (a write half-way), others as above
  kShortWrite,  // half of a write happens before it fails; other calls fail
  kKill,        // this call and all later ones fail and do nothing: the process is dead
};

struct FaultPlan {
  Fault fault = Fault::kIoError;
  std::uint64_t at_call = 0;  // counts matching calls from 0
  std::uint32_t calls = kEveryCall;
};

enum class Survives { kNothingUnsynced, kEverything, kRandomPart };

// Counts the changes of a disk, as a clock.
using Moment = std::uint64_t;
inline constexpr Moment kNow = std::numeric_limits<Moment>::max();

struct FakeFile;  // an inode
struct FakeDir;

class FakeEnv final : public Env {
 public:
  FakeEnv();
  ~FakeEnv() override;

  // --- Env
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Status create_dirs(const std::string& path) override;
  Result<std::vector<FileInfo>> list(const std::string& dir) override;
  Result<bool> exists(const std::string& path) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& dir) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status sync_dir(const std::string& dir) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<DiskSpace> disk_space(const std::string& path) override;

  // --- faults
  void plan_fault(FaultPlan plan);
  void clear_faults();
  bool fault_happened() const;
  // Calls of the given kinds since the beginning or the last reset_calls().
  std::uint64_t calls(std::uint32_t kinds = kEveryCall) const;
  void reset_calls();
  // Bytes of all files together; writes and allocations beyond fail with kDiskFull.
  void set_capacity(std::optional<std::uint64_t> bytes);
  std::uint64_t used_bytes() const;
  // Reads of files whose path contains `part` fail with kIoError; "" for none.
  void fail_reads_of(std::string part);
  // read_cached_at() answers kWouldBlock.
  void set_cold(bool cold);

  // A sync takes its time, and need not save what is written after it has begun: those that `work`
  // calls save what was there at `moment`, and nothing later.
  Moment moment() const;
  Status as_begun_at(Moment moment, const std::function<Status()>& work);

  // The power goes. Faults and capacity are cleared.
  void crash(Survives survives, Rng& rng);

  // --- looking at the disk from outside; not counted, no faults; changes are durable at once
  std::optional<Bytes> contents(const std::string& path) const;
  // [begin, end) of it, or less where it ends.
  Bytes contents(const std::string& path, std::uint64_t begin, std::uint64_t end) const;
  // Whether a crash leaves these bytes of the file as programs see them, whatever else it takes.
  bool is_safe(const std::string& path, std::uint64_t begin, std::uint64_t end) const;
  void put(const std::string& path, ByteView contents);
  void remove(const std::string& path);
  // Full paths, sorted.
  std::vector<std::string> files(const std::string& dir) const;
  // Makes everything durable, as an orderly shutdown of the machine does.
  void sync_everything();

  // An independent copy of all files and folders, without faults.
  std::unique_ptr<FakeEnv> clone() const;

 private:
  friend class OpenFakeFile;
  friend class HeldFakeLock;

  enum class Verdict { kGo, kFail, kFull, kShort };
  // Counts the call; says what is to happen with it. Holds mutex_.
  Verdict judge(Call call);
  Status refuse(Verdict verdict, Call call, const std::string& what) const;
  FakeDir* dir_of_path(const std::string& path) const;
  std::shared_ptr<FakeFile> find(const std::string& path) const;
  std::uint64_t used() const;
  bool fits(const FakeFile& file, std::uint64_t new_size) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<FakeDir>> dirs_;
  std::set<std::string> locks_;
  std::uint64_t life_ = 0;  // counts crashes: older handles are dead
  std::map<std::uint32_t, std::uint64_t> counts_;
  std::optional<FaultPlan> plan_;
  std::uint64_t matched_ = 0;
  bool happened_ = false;
  bool dead_ = false;
  bool cold_ = false;
  std::optional<std::uint64_t> capacity_;
  std::string unreadable_;
  Moment changes_ = 0;
  Moment sync_until_ = kNow;
};

}  // namespace penstock::fakes
