// KeyedScene: a log of keyed records on a fake disk, and a map that remembers every record that was
// ever appended, superseded or not. check() says in words where the log breaks a promise of key
// compaction: what may be missing, what a reader ends up with, what lookups say.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "fakes/fake_env.h"
#include "storage/log.h"
#include "tests/storage/keyed_batches.h"

namespace penstock::storage {

inline constexpr const char* kKeyedDir = "/data/state-0";
inline constexpr std::int64_t kTombstoneDelayMs = 10'000;

using KeyedState = std::map<std::string, std::string>;

class KeyedScene {
 public:
  explicit KeyedScene(std::uint64_t seed = 1);

  Status open();
  void close_handle() { log.reset(); }   // the process dies; the machine goes on
  void crash(fakes::Survives survives);  // the machine dies
  Status close();

  // --- what is done to the log; each one is remembered
  Status append(Bytes batch, Term epoch);
  Status append_random();
  Status flush();
  Status checkpoint();
  Status truncate_suffix(Offset from);
  Status truncate_prefix(Offset to);
  // Damage made the log end at `from`; what was committed comes again from a copy that was never
  // compacted. refill() goes on where a crash ended that.
  Status cut_at_damage(Offset from);
  Status refill();

  // What may be compacted: all that is flushed.
  CompactionRequest request() const;
  Status begin_pass(const CompactionRequest& request);
  bool has_pass() const { return ticket_.has_value(); }
  void run_pass() { run_status_ = ticket_->run(); }  // one piece
  bool has_run() const { return run_status_.has_value(); }
  Result<CompactionProgress> complete_pass();
  void forget_pass();  // before a crash
  // A whole pass, here and now.
  Result<CompactionProgress> compact(const CompactionRequest& request);
  Result<CompactionProgress> compact() { return compact(request()); }

  // A consumer reads on from where it was, some batches at a time; what is wrong when it gets to
  // the end.
  std::string read_on();

  std::string check();
  // After a crash: what the log does not hold any more, and was not acknowledged, is forgotten.
  void accept_end();

  std::vector<Offset> boundaries() const;  // of batches, as they are now
  // Everything from the start as text.
  std::string shown() const;
  std::string path(const std::string& name) const { return std::string(kKeyedDir) + "/" + name; }
  std::vector<std::string> files() const { return env->files(kKeyedDir); }

  std::unique_ptr<fakes::FakeEnv> env;
  FakeClock clock;
  Rng rng;
  LogOptions options;
  LogIdentity identity;
  std::unique_ptr<Log> log;
  RecoveryReport report;

  // --- what is known
  struct Original {
    Bytes batch;
    Offset end;
    Term epoch;
    bool is_control = false;
  };
  std::map<Offset, Original> originals;  // by base offset
  std::map<Offset, KeyedRecord> records;
  Offset acknowledged;
  Offset must_start;
  Offset may_start;
  // A pass has read so far: what is below may lack what is superseded there.
  Offset known_end;
  std::vector<CompactionMark> passes;  // that were completed
  std::uint64_t passes_done = 0;
  std::uint64_t passes_stale = 0;
  CompactionFigures figures;

 private:
  struct Seen {  // the log as it is
    std::vector<std::pair<Offset, Bytes>> batches;
    std::map<Offset, KeyedRecord> records;
  };
  Result<Seen> see();
  void remember(ByteView batch);
  void note_progress(CompactionProgress progress);
  bool is_superseded(Offset offset, const std::string& key) const;
  bool may_be_gone(Offset offset, const KeyedRecord& record) const;
  std::string check_batches(const Seen& seen) const;
  std::string check_missing(const Seen& seen) const;
  std::string check_readers(const Seen& seen);
  std::string check_clean_part(const Seen& seen) const;
  std::string check_copies();
  std::string check_lookups(const Seen& seen);
  std::vector<Offset> last_batches_of_producers(Offset limit) const;

  std::optional<CompactionTicket> ticket_;
  std::optional<Status> run_status_;
  std::vector<Offset> needed_;  // of the last request

  Offset reader_at_;
  KeyedState reader_state_;
  std::int64_t reader_began_ms_ = 0;
  void begin_reader();
};

}  // namespace penstock::storage
