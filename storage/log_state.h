// What a Log holds; its parts are in log.cc (open, append), log_compaction.cc, log_durability.cc,
// log_lookup.cc, log_terms.cc, log_repair.cc and log_truncation.cc.
//
// Invariants: `segments` ascend; all but the last are sealed; the last is not, unless nothing was
// written since an open that found no place to go on. Internal to storage/.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/checkpoint.h"
#include "storage/compaction_pass.h"
#include "storage/log.h"
#include "storage/reader.h"
#include "storage/segment.h"
#include "storage/segment_name.h"
#include "storage/side_files.h"

namespace penstock::storage {

struct FlushWork {
  Env* env = nullptr;
  std::vector<std::shared_ptr<File>> files;
  std::optional<std::string> dir;  // holds new entries
  LogPoint point;                  // durable when done
  std::uint64_t files_created = 0;
  std::uint64_t cuts = 0;
};

struct CheckpointWork {
  struct Part {
    Offset base;
    std::uint64_t index_version = 0;
    std::uint32_t runs = 0;
  };
  std::shared_ptr<SideFiles> side_files;
  std::uint64_t generation = 0;
  std::vector<Part> parts;  // one for each of `indexes`
  std::vector<IndexWrite> indexes;
  Checkpoint checkpoint;
  std::uint32_t entries_on_disk = 0;  // index_entries if there is no room for more
  Stored stored = Stored::kNothing;   // the outcome
};

struct Log::State {
  State(Env& env, const Clock& clock, std::string dir, LogIdentity identity, LogOptions options);

  Env& env;
  const Clock& clock;
  const std::string dir;
  const LogIdentity identity;
  LogOptions options;

  std::vector<Segment> segments;
  Offset log_start;
  Term start_term;  // of the record before log_start
  Offset end;
  LogPoint durable;                     // flushed up to here
  std::optional<Checkpoint> persisted;  // the newest one on disk
  std::uint64_t files_created = 0;
  std::uint64_t files_created_synced = 0;

  bool writable = false;  // begin_writing() was done
  bool fenced = false;
  bool closed = false;
  bool end_uncertain = false;
  bool checkpoint_under_way = false;
  std::optional<std::int64_t> dirty_since_ns;  // durable moved away from persisted
  std::int64_t next_checkpoint_ns = 0;         // not before, after a failure

  CompactionState compaction;
  std::shared_ptr<CompactionPass> compaction_pass;  // the one that is under way
  Offset swept_below;  // a pass has looked for tombstones below it in this life

  std::vector<RecoveryReport::Damage> damage;
  std::uint32_t rebuilt_indexes = 0;
  std::uint64_t uses = 0;

  std::shared_ptr<SideFiles> side_files;
  std::shared_ptr<Findings> findings;
  std::shared_ptr<std::atomic<std::uint64_t>> cuts;

  // --- append
  Status accept_writes();
  Status begin_writing();
  Result<AppendInfo> write(ByteView batches, const AppendInfo& info);
  Status reserve(Segment& segment, std::uint64_t end_position);
  Status undo_write(Segment& segment, const Error& why);
  bool roll_is_due(std::uint64_t bytes, std::int64_t offsets) const;
  Status roll();
  Status create_segment(Offset base);
  std::uint64_t segment_bytes() const;
  std::uint64_t run_bytes() const;
  // Passes `status` on; one that says that the disk cannot be trusted fences the log.
  Status fence_on(Status status);

  // --- durability
  FlushWork flush_work() const;
  void flushed(const FlushWork& work);
  Status flush_now();
  CheckpointWork checkpoint_work();
  void checkpointed(const CheckpointWork& work);
  enum class Mark { kNone, kClean, kCut };
  enum class Copies { kNewestSlot, kBothSlots };
  // Makes log_start and the durable point durable, here and now.
  Status store_checkpoint(Mark mark, Copies copies);
  bool checkpoint_is_dirty() const;

  // --- lookup
  std::string path_of(Offset base, SegmentFile kind) const;
  // The segment that holds `offset`, or the last one that begins before it; none: end().
  std::vector<Segment>::iterator segment_of(Offset offset);
  Status open_log_file(Segment& segment);
  Status load(Segment& segment);  // makes the runs resident
  IndexSource index_source(const Segment& segment) const;
  void adopt(Segment& segment, LoadedIndex loaded);
  void take_findings();
  void note_damage(RecoveryReport::Damage found);
  const RecoveryReport::Damage* damage_at(Offset offset) const;
  void touch(Segment& segment);
  Offset limit_of(ReadUpTo limit) const;
  Result<ReadPlan> plan_read(Offset offset, std::uint64_t max_bytes, Offset limit, Wait wait);
  // All runs of a loaded segment, the open one last if it holds anything.
  std::vector<Run> runs_of(const Segment& segment) const;
  Result<std::uint64_t> digest_in(Offset begin, Offset until);

  // --- terms
  Term last_epoch() const;
  Result<Term> term_at(Offset offset);
  // Of the record before what `segment` serves.
  Term term_before(const Segment& segment) const;
  // Of the record before `to`, as well as it is known.
  Result<Term> term_below(Offset to);

  // --- compaction
  Status may_compact();
  // The segments that a pass may touch now.
  std::vector<CompactionSource> compaction_sources(const CompactionRequest& request) const;
  // None: they are not as they were when the pass began.
  std::optional<std::size_t> find_group(const CompactionPass& pass, const SegmentGroup& group);
  Result<CompactionProgress> put_in_place(CompactionPass& pass);
  Status announce(CompactionPass& pass);
  Result<CompactionProgress> give_up(CompactionPass& pass);
  Result<CompactionProgress> end_early(CompactionPass& pass, const Error& why);

  // --- repair
  bool is_damaged(Offset begin, Offset end) const;
  Status write_again(Segment& segment, const Run& run, ByteView bytes);

  // --- truncation
  Status remove_segment_files(Offset base);
  Status move_durable_point_out_of(Offset below);
  Status raise_log_start(Offset to, Term before);
  Result<Run> run_ending_at(Segment& segment, std::size_t index, Offset from);
  Status cut_inside(std::size_t index, Offset from);
  Status cut_at_gap(std::size_t keep, Offset from);
  Status cut_side_file(const Segment& segment);
  Status remove_files_beyond(Offset base);
  Status finish_cut();
  Status begin_anew(Offset start, Term before);
  Status remove_files_below(Offset base);
};

}  // namespace penstock::storage
