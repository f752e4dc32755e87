// CompactionPass: the work of one pass of key compaction, away from the owner's thread.
//
// First the records behind the clean end are read into the key map, until it is full or the last
// segment is read; then group after group of segments is cleaned into a new one beside them. When
// one is written the pass stands still (ready()) until the owner has put it in its place.
// Invariants: the sources are only read. Every byte that is carried over has passed its run's
// header checksum and its batch's CRC; damage ends the pass and is reported as by reads. Threads:
// step() on any, one at a time; everything else on the owner's, never during a step(). Internal to
// storage/.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/cleaner.h"
#include "storage/compacted_segment.h"
#include "storage/compaction.h"
#include "storage/compaction_plan.h"
#include "storage/index_loader.h"
#include "storage/key_map.h"
#include "storage/reader.h"

namespace penstock::storage {

struct CompactionSource {
  CompactionSegment facts;
  Timestamp created;
  std::uint64_t index_version = 0;
  IndexSource index;  // without an open file
  std::string path;   // of the .log
};

struct CompactionJob {
  Env* env = nullptr;
  std::string dir;
  LogIdentity identity;
  CompactionRequest request;
  GroupLimits group_limits;
  std::uint64_t run_bytes = 0;
  Offset log_start;
  Offset clean_end;
  Offset tombstones_below;                // what is settled here and elsewhere
  std::vector<CompactionSource> sources;  // ascending, adjacent; not empty
  std::shared_ptr<Findings> findings;
  std::uint64_t cuts = 0;  // how often the log had been cut
};

class CompactionPass {
 public:
  explicit CompactionPass(CompactionJob job);

  Status step();

  struct Ready {
    SegmentGroup group;  // of sources
    Segment segment;     // what takes their place
  };
  const Ready* ready() const { return ready_ ? &*ready_ : nullptr; }
  // It was put in its place, after which the log had been cut that often.
  void placed(std::uint64_t cuts, std::uint64_t freed);
  bool is_done() const { return phase_ == Phase::kDone; }
  // Base of the files that lie beside the log, if any do.
  std::optional<Offset> beside() const;
  // Whether the disk failed a write: what it holds is not certain any more.
  bool write_failed() const { return out_ && out_->write_failed(); }

  // Base of the source that is read.
  Offset reading() const;

  const CompactionJob& job() const { return job_; }
  Offset end() const { return job_.sources.back().facts.end; }
  // Below it no key is left twice when the pass is done.
  Offset mapped_end() const { return mapped_end_; }
  std::uint64_t moved_bytes() const { return moved_; }
  const CompactionFigures& figures() const { return figures_; }

  bool is_announced = false;  // the owner's note: the log knows that it is being rewritten

 private:
  enum class Phase { kMapping, kCleaning, kDone };

  void begin();
  // Reads the runs of one source, in order.
  Status open_source(std::size_t index);
  Result<SharedBytes> read(const Run& run);
  Status damaged(RecoveryReport::Damage damage);

  Status map_piece();
  Status map_run(const Run& run);
  bool map_batch(const record::BatchView& batch);
  void end_mapping();
  Status clean_piece();
  Status begin_group();
  Status clean_run(const Run& run);
  Status take(const record::BatchView& batch);
  Status end_group();

  CompactionJob job_;
  std::optional<KeyMap> map_;  // made by the first step: large memory is not for the owner's thread
  Phase phase_ = Phase::kMapping;
  Offset mapped_end_;
  std::vector<SegmentGroup> groups_;
  std::size_t group_ = 0;

  std::size_t source_ = 0;
  std::shared_ptr<File> file_;  // of the source that is open
  std::vector<Run> runs_;
  std::size_t run_ = 0;
  std::vector<std::pair<ByteView, Offset>> keys_;  // of the batch that is mapped

  std::optional<CleanRules> rules_;
  std::optional<Cleaner> cleaner_;
  std::optional<CompactedSegment> out_;
  Timestamp appended_;  // of the run that is cleaned
  std::uint64_t group_read_ = 0;
  std::optional<Ready> ready_;
  std::uint64_t moved_ = 0;
  CompactionFigures figures_;
};

}  // namespace penstock::storage
