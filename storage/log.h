// Log: the append-only, segmented record log of one partition, in one folder.
//
// Invariants: offsets are contiguous from log_start() to log_end(); durable_end() <= log_end();
// what lies below durable_end() is never truncated by recovery; a batch that is read has passed its
// CRC and the check of its unprotected header bytes. Threads: all methods on the owner's thread;
// FlushTicket::run(), CheckpointTicket::run(), CompactionTicket::run() and FileRead::run() are made
// to run on another one meanwhile, and touch no state of the Log. Failure: kDiskFull leaves the log
// as it was before the call. A failed flush fences the log: every later append and flush fails with
// kFsyncFailed, and the process is expected to end. Damage below the watermark is kCorrupt for the
// range, and the log refuses appends (kPartitionDamaged) while its end is not certain (EndOfLog).
// Format: docs/storage_format.md.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "base/types.h"
#include "storage/compaction.h"
#include "storage/compaction_state.h"
#include "storage/options.h"

namespace penstock::storage {

// What open() found and did; the shell logs it.
struct RecoveryReport {
  bool clean_shutdown = false;
  std::uint64_t scanned_bytes = 0;
  std::uint64_t truncated_bytes = 0;  // torn tail beyond the durable watermark
  std::uint32_t rebuilt_indexes = 0;
  struct Damage {
    Offset begin;  // half-open range that cannot be served
    Offset end;
    std::string reason;
  };
  std::vector<Damage> damage;
  std::vector<std::string> notes;  // unknown files, a lost checkpoint: harmless, but worth a line
};

struct AppendInfo {
  Offset base_offset;
  Offset last_offset;
  Timestamp max_timestamp;
};

// A piece of disk work that was prepared on the owner's thread, runs on any thread, and is
// completed on the owner's thread again. It keeps the files that it needs open.
class FlushTicket {
 public:
  // fdatasync of every file (and folder) that holds unflushed bytes. Blocking.
  Status run() const;

 private:
  friend class Log;
  std::shared_ptr<const struct FlushWork> work_;
};

class CheckpointTicket {
 public:
  Status run() const;  // side files first, then the checkpoint that vouches for them. Blocking.

 private:
  friend class Log;
  std::shared_ptr<struct CheckpointWork> work_;
};

enum class ReadUpTo {
  kDurable,  // consumers: only what is flushed
  kEnd,      // replication and tools
};

struct ReadResult {
  SharedBytes
      batches;  // whole batches, the first one holds the requested offset; may be empty at the end
  Offset next;  // where the next read continues
  std::uint32_t batch_count = 0;
};

struct TimestampOffset {
  Timestamp timestamp;
  Offset offset;
};

// Where a term begins ...
struct TermStart {
  Term term;
  Offset begin;
  friend bool operator==(const TermStart&, const TermStart&) = default;
};
// ... and ends: the offset behind its last record.
struct TermEnd {
  Term term;
  Offset end;
  friend bool operator==(const TermEnd&, const TermEnd&) = default;
};

// What is known of where a log ends.
enum class EndOfLog : std::uint8_t {
  kCertain,
  kClosed,   // it was closed there: nothing followed; but what is before it is not all there
  kUnknown,  // nor is it known what followed, and was durable: nothing that is left speaks of it
};

// As a limit: none but the log's own.
inline constexpr Offset kNoLimit(std::numeric_limits<std::int64_t>::max());

class Log {
 public:
  struct Opened;
  // Opens or creates the log in `dir`. Recovers: truncates a torn tail, rebuilds indexes, reports
  // damage. kCorrupt only when not even the folder's own state can be read; kForeignData for
  // another partition's files.
  static Result<Opened> open(Env& env, const Clock& clock, std::string dir, LogIdentity identity,
                             LogOptions options);
  ~Log();

  Offset log_start() const;
  Offset log_end() const;
  Offset durable_end() const;
  std::uint64_t size_bytes() const;
  // Of the last batch, or of what was there before when the log is empty.
  Term last_epoch() const;

  // Appends `batches`, each one valid (CRC checked by the caller): assigns consecutive offsets and
  // `epoch` in place, then writes to the page cache. All or nothing. Rolls the segment when due.
  Result<AppendInfo> append(MutableByteView batches, Term epoch);

  // Follower's append: positions are already assigned and must continue this log.
  Result<AppendInfo> append_assigned(ByteView batches);

  // --- durability: begin on the owner's thread, run() anywhere, complete on the owner's thread
  bool needs_flush() const;  // log_end() > durable_end()
  FlushTicket begin_flush();
  // Moves durable_end() on success; fences the log on failure.
  void complete_flush(const FlushTicket& ticket, const Status& status);
  // Convenience for tools and tests: all three steps here and now.
  Status flush();

  bool wants_checkpoint() const;
  CheckpointTicket begin_checkpoint();
  void complete_checkpoint(const CheckpointTicket& ticket, const Status& status);

  // Flush, checkpoint with the clean-shutdown mark. The log accepts nothing afterwards.
  Status close();

  // --- reading
  // Whole batches from the one that holds `offset`, at most max_bytes, but always at least one
  // batch. Of a batch without records that compaction left, the part from `offset` on.
  // `cached_only`: kWouldBlock when a page is not in memory (then call again from a thread that may
  // wait, through prepare_read). kOffsetOutOfRange, kCorrupt.
  Result<ReadResult> read(Offset offset, std::uint64_t max_bytes, ReadUpTo limit,
                          bool cached_only = false);

  // A read that runs away from the owner's thread.
  class FileRead {
   public:
    Result<ReadResult> run() const;  // blocking

   private:
    friend class Log;
    std::function<Result<ReadResult>()> work_;
  };
  Result<FileRead> prepare_read(Offset offset, std::uint64_t max_bytes, ReadUpTo limit);
  // The same with a limit of the caller's: nothing at or behind it is returned. A batch boundary;
  // one behind the log's end is as good as the end. Records above durable_end() may be lost.
  Result<ReadResult> read(Offset offset, std::uint64_t max_bytes, Offset limit,
                          bool cached_only = false);
  Result<FileRead> prepare_read(Offset offset, std::uint64_t max_bytes, Offset limit);

  // First record whose timestamp is >= `at`, in offset order, within the durable part of [from,
  // limit); none when there is none. Blocking (reads one index run).
  Result<std::optional<TimestampOffset>> find_timestamp(Timestamp at, Offset limit = kNoLimit,
                                                        Offset from = Offset(0));
  // The record with the largest timestamp there.
  Result<std::optional<TimestampOffset>> max_timestamp(Offset limit = kNoLimit,
                                                       Offset from = Offset(0));

  // --- terms (leader epochs): what a replicated log is compared by. Told from the batches, hence
  // cut with them; blocking when the index of an older segment is needed.
  // Of the record before log_start(): -1 at offset 0, and when it is not known (a log whose
  // checkpoint was lost, or that was cut at damage).
  Term start_term() const;
  // Of the record at `offset`; start_term() at log_start() - 1. kOffsetOutOfRange outside of
  // [log_start() - 1, log_end()), kCorrupt inside of damage.
  Result<Term> term_at(Offset offset);
  // Where the largest term that is not above `term` ends: the log and one whose last batch at or
  // below `term` is in that term cannot agree any further. Worked example: terms 2 in [10, 14) and
  // 5 in [14, 20) give (2, 14) for 2, 3 and 4, (5, 20) from 5 on; start_term() 1 gives (1, 10) for
  // 1, and kOffsetOutOfRange for 0, which ended below the log's start.
  Result<TermEnd> end_of_term(Term term);
  // All terms in the log, in order; the first begins at log_start(). A term whose beginning is
  // damaged is taken to begin at its first intact batch; a log without any, in the term before it.
  Result<std::vector<TermStart>> terms();

  // --- truncation
  // Removes everything at and after `from`; `from` must be a batch boundary. Durable when it
  // returns, and the end is certain. With log_end(), when what was damaged before an end that is
  // not certain has been mended: the log goes on there.
  Status truncate_suffix(Offset from);
  // Raises the log start; whole segments below it are removed. Durable when it returns. `to` <=
  // durable_end().
  Status truncate_prefix(Offset to);
  // Where the batch that holds `offset` begins, also when that is below log_start(). Blocking.
  // kOffsetOutOfRange, kCorrupt.
  Result<Offset> batch_at(Offset offset);
  // Lowers the log start to the beginning of the batch that it lies in, as batch_at() says. The
  // term before it may not be known. Durable when it returns.
  Status lower_start(Offset to);
  // Forgets everything: the log is empty and begins at `start`, behind a record of `before` (-1:
  // none). For a replica that gets a snapshot, or whose leader's log begins further on; `start` may
  // lie anywhere. A crash leaves the old log or the new one, whole. Durable when it returns.
  Status reset_to(Offset start, Term before);

  // Applies time and size retention as of now: whole expired segments go, and the active one is
  // rolled first when all of it has expired; nothing at or behind `limit` goes. Returns the number
  // of bytes freed.
  Result<std::uint64_t> apply_retention(Offset limit = kNoLimit);
  // Where the log would begin after that.
  Offset retention_start(Offset limit = kNoLimit) const;
  void set_options(const LogOptions& options);
  const LogOptions& options() const;

  // --- key compaction (compaction.h): one pass at a time
  // None when there is nothing to do for a pass. kWouldBlock while one is under way; kCorrupt while
  // damage is known: who cannot read a key cannot tell what is superseded.
  Result<std::optional<CompactionTicket>> begin_compaction(const CompactionRequest& request);
  // `status`: what run() gave. An error ends the pass and leaves the log as it was; what was put in
  // place before stays. Moves a few names in the folder, and syncs it, for each new segment.
  Result<CompactionProgress> complete_compaction(const CompactionTicket& ticket,
                                                 const Status& status);
  const CompactionState& compaction() const;
  // Everything below it was compacted here at least that long ago.
  Offset settled_end(std::int64_t delay_ms) const;
  // A pass of this life has removed the tombstones below it whose time was over then.
  Offset swept_below() const;
  // Bytes of whole segments behind the clean end that are sealed: what the next pass reads for its
  // key map.
  std::uint64_t dirty_bytes() const;
  // Begins a new segment, if the active one holds anything: what is flushed of it may be compacted
  // once a checkpoint has told so. Blocking.
  Status seal();

  // --- repair from another copy. A run that is replaced byte by byte needs no cut: what follows it
  // stays.
  struct Mendable {
    Offset begin;  // whole runs, of which some are damaged
    Offset end;
    std::uint64_t bytes = 0;
  };
  // The first damage whose place in a file is known; about `max_bytes` of it, one run at least.
  // Blocking.
  Result<std::optional<Mendable>> mendable(std::uint64_t max_bytes);
  // `batches`: whole ones, one behind the other, each with a right CRC. Runs that are damaged and
  // covered by them are written again where they are, if the recorded header checksum says that
  // they are the same. Durable when it returns; blocking. Returns how many runs were written.
  Result<std::size_t> mend(ByteView batches);

  // Damaged ranges known so far (recovery, reads and scrubs add to it).
  const std::vector<RecoveryReport::Damage>& damage() const;
  EndOfLog end_of_log() const;
  // True after a failed flush.
  bool fenced() const;
  // Side files found bad and made anew since open(), which counts its own in the report.
  std::uint32_t rebuilt_indexes() const;

  // Digest over the header bytes 0..20 (hence, through the CRC, over everything) of all batches
  // from the log start of the oldest kept segment to `end`, a batch boundary; equal on replicas
  // with the same batches: compaction makes them differ below rewritten_end of compaction().
  Result<std::uint64_t> digest(Offset end);
  // The same over [begin, end), two batch boundaries: comparable whatever else the replicas still
  // hold. kCorrupt when damage is known there. It says what was written; reading checks that it is
  // still there.
  Result<std::uint64_t> digest(Offset begin, Offset end);

  struct SegmentInfo {
    Offset base;
    Offset end;
    std::uint64_t bytes = 0;
    Timestamp max_timestamp;
    Timestamp created;  // when the segment was begun
    bool active = false;
  };
  std::vector<SegmentInfo> segments() const;

  struct State;

 private:
  explicit Log(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// About how many bytes the log holds of [begin, end): within a segment, records are taken to be of
// one size.
std::uint64_t bytes_between(const std::vector<Log::SegmentInfo>& segments, Offset begin,
                            Offset end);

struct Log::Opened {
  std::unique_ptr<Log> log;
  RecoveryReport report;
};

}  // namespace penstock::storage
