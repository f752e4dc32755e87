// ArchiveWorker: keeps the archive of all topics up with their logs.
//
// Guarantees: every record of the log ends up in exactly one object that a manifest names, in order
// and byte for byte, or in a range that the manifest calls lost; whatever fails or dies, and
// whenever. It never ends because the broker or the disk is away: it tries again with growing
// pauses, each partition for itself. Memory: the source's limit plus the SQL engine's; what waits
// for its object lies in spool files.
// Threads: run() and step() on one; stop() from any, also from a signal handler. Lifetime: what it
// is opened with outlives it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "archiver/archive_core.h"
#include "archiver/duckdb.h"
#include "archiver/object_store.h"
#include "archiver/partition_worker.h"
#include "archiver/record_source.h"
#include "archiver/step_observer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace penstock::archiver {

enum class RunMode {
  kContinuous,  // until stop()
  kOnce,        // up to the high watermarks of the start
};
enum class OnStop {
  kAbandonOpenChunks,  // they are read again next time
  kArchiveOpenChunks,
};

struct WorkerOptions {
  std::vector<std::string> topics;  // empty: all that are not internal, also those to come
  RollPolicy roll;
  RunMode mode = RunMode::kContinuous;
  OnStop on_stop = OnStop::kAbandonOpenChunks;
  std::string work_dir;  // for spools and objects under way; exists
  std::size_t sql_memory_limit_mb = 384;
  std::uint64_t max_spool_bytes = 2ULL << 30;  // of all partitions; over it the largest is archived
  std::chrono::milliseconds discovery_interval{5'000};
  std::chrono::milliseconds poll_wait{500};
};

struct WorkerSummary {
  std::uint64_t chunks = 0;
  std::uint64_t records = 0;
  // kOnce: partitions (or topics) that could not be archived, and why.
  std::map<std::string, Error> refused;
};

struct WorkerParts {
  RecordSource& source;
  ObjectStore& store;
  Env& env;  // of the working folder
  const Clock& clock;
  std::function<void(std::chrono::milliseconds)> pause;  // waits; may return early
  StepObserver* observer = nullptr;
};

class ArchiveWorker {
 public:
  // kLocked when another worker uses the working folder.
  static Result<std::unique_ptr<ArchiveWorker>> open(const WorkerParts& parts,
                                                     WorkerOptions options);

  // Until the mode is satisfied or stop(); the worker is of no use afterwards. An error only when
  // an observer let the worker die.
  Result<WorkerSummary> run();
  // One turn: look for partitions, read, archive what is due.
  Status step();
  void stop() { stopping_.store(true); }
  bool finished() const;  // kOnce: everything is archived or refused
  WorkerSummary summary() const;

 private:
  using Key = std::pair<std::string, std::int32_t>;  // topic, partition

  // Why a partition is not worked on, and when to try again; kept until a chunk is archived.
  struct Refusal {
    Error error;
    std::int64_t retry_at_ns = 0;
    Backoff backoff;
  };

  ArchiveWorker(const WorkerParts& parts, WorkerOptions options);

  Status discover();
  bool is_time_for(const Key& key) const;  // it was not refused, or long enough ago
  Status take_over(const LogPartition& log);
  Status follow(PartitionWorker& worker, const LogPartition& log);
  Status drop_missing(const std::vector<SourceTopic>& topics);
  bool is_wanted(const SourceTopic& topic) const;
  void set_targets(const std::vector<SourceTopic>& topics);
  void set_target(const std::string& topic, const SourcePartition& partition);
  void assign_all();
  Status read();
  Status roll_due();
  Status roll_largest_while_over_limit();
  Status roll_all();
  Status roll(const Key& key, RollReason reason);
  Result<bool> is_same_topic(const PartitionWorker& worker);
  Status refuse(const Key& key, Error error);
  bool reached(const Key& key, Offset target) const;
  void note_trouble(const std::string& what, const Error& error);
  void look_again_in(std::int64_t ms);
  PartitionTools tools();

  WorkerParts parts_;
  WorkerOptions options_;
  StepGate gate_;
  std::unique_ptr<FileLock> work_lock_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> sql_;

  std::map<Key, PartitionWorker> partitions_;
  std::map<Key, Refusal> refused_;
  std::optional<std::map<Key, Offset>> targets_;  // kOnce, after the first discovery
  bool assignment_stale_ = false;
  bool read_failed_ = false;  // begin to read anew after the next look at the topics
  std::int64_t next_discovery_ns_;
  Backoff source_backoff_;
  std::int64_t last_trouble_ns_ = 0;
  std::string last_trouble_;  // logged once until it changes
  Archived archived_;
  std::atomic<bool> stopping_{false};
};

}  // namespace penstock::archiver
