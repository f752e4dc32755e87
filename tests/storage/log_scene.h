// LogScene: a log on a fake disk, with a memory of what was promised about it.
//
// Every batch that append() took is remembered; flush() marks what was acknowledged. check() reads
// the log back and says in words what differs. Batches are small and differ in size, so that they
// straddle sectors, runs and segments in many ways.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "fakes/fake_env.h"
#include "storage/log.h"

namespace penstock::storage {

inline constexpr const char* kLogDir = "/data/orders-0";

// One batch; `records` of about `value_bytes` with timestamps from `first` on, 1 ms apart.
Bytes make_batch(int records, std::size_t value_bytes, Timestamp first, std::uint64_t salt = 0);

// Small enough that a few dozen batches fill several segments.
LogOptions small_segments();

class LogScene {
 public:
  explicit LogScene(std::uint64_t seed = 1);
  // Continues on a copy of the other's disk, with its promises; the log is not open.
  LogScene(const LogScene& other, std::uint64_t seed);

  Status open();
  void close_handle() { log.reset(); }   // the process dies; the machine goes on
  void crash(fakes::Survives survives);  // the machine dies

  // Appends `batches` random ones, one after the other; remembers them.
  Status append(int batches = 1, Term epoch = Term(1));
  // Appends one or several batches at once; remembers them.
  Status append_bytes(Bytes batches, Term epoch = Term(1));
  // The same as a follower does: their positions are assigned already.
  Status append_assigned(Bytes batches, Term epoch);
  Status flush();
  Status checkpoint();
  Status close();
  Status truncate_suffix(Offset from);
  Status truncate_prefix(Offset to);
  Status reset_to(Offset start, Term before);
  Status retain();  // apply_retention

  // What is wrong with the log, as text; empty when nothing is. Every acknowledged batch must be
  // there unaltered, and nothing that was not appended; offsets must be contiguous. Ranges that the
  // log reports as damaged are left out, and added to `damaged_records` if it is given.
  std::string check(std::int64_t* damaged_records = nullptr);
  // After a crash: what the log does not hold any more was not promised; forget it.
  void accept_end();
  // Batch boundaries between log start and end, both included.
  std::vector<Offset> boundaries() const;
  std::string path(const std::string& name) const { return std::string(kLogDir) + "/" + name; }
  // Paths of the log's files.
  std::vector<std::string> files() const { return env->files(kLogDir); }

  std::unique_ptr<fakes::FakeEnv> env;
  FakeClock clock;
  Rng rng;
  // All batches of one size and one record: whatever is left of an older one fits a newer one's
  // place exactly.
  bool uniform = false;
  LogOptions options = small_segments();
  LogIdentity identity;
  std::unique_ptr<Log> log;
  RecoveryReport report;

  // --- promises
  std::map<Offset, Bytes> appended;  // by base offset, as the log must return them
  std::map<Offset, Bytes> maybe;     // appends that failed without a definite answer
  Offset acknowledged;               // everything below is promised
  Offset must_start;                 // the log start that was promised ...
  Offset may_start;                  // ... and the highest one that was asked for
  // Where the log was begun anew, and the term before; and where that was asked for.
  struct Origin {
    Offset start;
    Term before;
  };
  Origin origin;
  std::optional<Origin> asked_origin;

 private:
  void remember(ByteView batches, std::map<Offset, Bytes>& in);
  void begin_anew(const Origin& at);
};

}  // namespace penstock::storage
