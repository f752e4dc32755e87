// What lies on the fake disk: files and folders with their unsynced changes.
//
// Invariants: `seen` is what programs see; `durable` what a power cut leaves at the least; the
// journal leads from one to the other. Threads: protected by the FakeEnv.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "fakes/fake_env.h"

namespace penstock::fakes {

inline constexpr std::uint64_t kSectorBytes = 512;

// Of a file in its folder.
inline std::string name_of(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

struct FakeFile {
  struct Change {
    enum class Kind { kWrite, kResize } kind;
    std::uint64_t position = 0;  // kResize: the new size
    Bytes bytes;                 // kWrite
    Moment at = 0;
  };

  Bytes seen;
  Bytes durable;
  std::vector<Change> journal;

  void write(std::uint64_t position, ByteView bytes, Moment at);
  void resize(std::uint64_t size, Moment at);
  // Makes durable what was changed before `until`.
  void sync(Moment until = kNow);
  // Whether a crash leaves these bytes as they are seen.
  bool is_safe(std::uint64_t begin, std::uint64_t end) const;
  // As after a failed fsync on Linux: pages that were not written count as clean from now on. They
  // are still seen, and never become durable unless they are written again. (Sizes are in the
  // journal of the file system, and stay pending.)
  void lose_unsynced();
  void crash(Survives survives, Rng& rng);
};

struct FakeDir {
  using Entries = std::map<std::string, std::shared_ptr<FakeFile>>;
  struct Change {
    std::string name;
    std::shared_ptr<FakeFile> file;  // null: removed
    std::string renamed_from;        // goes together with the entry's appearance
    Moment at = 0;
  };

  bool is_durable = false;
  Moment made_at = 0;
  Entries seen;
  Entries durable;
  std::vector<Change> journal;

  void set(const std::string& name, std::shared_ptr<FakeFile> file, Moment at);
  void rename(const std::string& from, const std::string& to, Moment at);
  void sync(Moment until = kNow);
  // Whether a crash leaves that file under that name.
  bool is_safe(const std::string& name) const;
  void crash(Survives survives, Rng& rng);
};

}  // namespace penstock::fakes
