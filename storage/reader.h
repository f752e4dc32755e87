// Reading batches: a plan made on the owner's thread, carried out on any.
//
// Invariants: every byte that is returned has passed its run's header checksum and its batch's CRC.
// Lifetime: a plan keeps its file open; deleting or sealing the segment meanwhile is harmless.
// Failure: damage is reported to the Findings, where the owner picks it up; batches before it are
// still returned. When the log was cut after the plan was made, kWouldBlock (plan again).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "storage/index_loader.h"
#include "storage/log.h"
#include "storage/run.h"

namespace penstock::storage {

// What reads found out, on its way back to the owner's thread.
class Findings {
 public:
  // `cuts`: how often the log had been cut when the read was planned; a finding of an older count
  // is void.
  struct Damaged {
    std::uint64_t cuts = 0;
    RecoveryReport::Damage damage;
  };
  struct Index {
    std::uint64_t cuts = 0;
    Offset base;
    std::uint64_t index_version = 0;
    LoadedIndex loaded;
  };
  struct Batch {
    std::vector<Damaged> damage;
    std::vector<Index> indexes;
  };

  void report(Damaged damaged);
  void report(Index index);
  // True when take() would return something; costs one relaxed load.
  bool any() const { return any_.load(std::memory_order_acquire); }
  Batch take();

 private:
  std::atomic<bool> any_{false};
  std::mutex mutex_;
  Batch found_;
};

enum class Wait { kAllowed, kNever };

struct ReadPlan {
  std::shared_ptr<File> file;
  Offset segment_base;
  Offset offset;
  Offset limit;  // nothing at or after it is returned; a batch boundary
  std::uint64_t max_bytes = 0;

  // The runs to read, in order; or, when the index is not in memory, how to get them.
  std::vector<Run> runs;
  std::optional<IndexSource> load;
  std::uint64_t index_version = 0;
  std::vector<Run> behind_file;  // what the side file does not hold, for the second case

  std::shared_ptr<const std::atomic<std::uint64_t>> cuts_now;  // how often the log was cut
  std::uint64_t cuts = 0;                                      // when the plan was made
  std::shared_ptr<Findings> findings;
};

// The runs that a read of `max_bytes` from `offset` needs, out of `runs`, in order: the one that
// holds it first. Appends to `out`; `out` is the beginning already when it is not empty.
void select_runs(std::span<const Run> runs, std::uint32_t delta, std::uint64_t max_bytes,
                 std::vector<Run>& out);

Result<ReadResult> execute(const ReadPlan& plan, Wait wait);

// Reads one run and checks all of it. For lookups that look at records.
Result<SharedBytes> read_run(const File& file, Offset segment_base, const Run& run);

// What of `run` cannot be served: all of it when its headers are wrong, else the batches whose CRC
// is; usually nothing.
Result<std::vector<RecoveryReport::Damage>> damage_in_run(const File& file, Offset segment_base,
                                                          const Run& run);

}  // namespace penstock::storage
