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
#include "tests/fakes/fake_env.h"

namespace penstock::fakes {

inline constexpr std::uint64_t kSectorBytes = 512;

struct FakeFile {
  struct Change {
    enum class Kind { kWrite, kResize } kind;
    std::uint64_t position = 0;  // kResize: the new size
    Bytes bytes;                 // kWrite
  };

  Bytes seen;
  Bytes durable;
  std::vector<Change> journal;

  void write(std::uint64_t position, ByteView bytes);
  void resize(std::uint64_t size);
  void sync();
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
  };

  bool is_durable = false;
  Entries seen;
  Entries durable;
  std::vector<Change> journal;

  void set(const std::string& name, std::shared_ptr<FakeFile> file);
  void rename(const std::string& from, const std::string& to);
  void sync();
  void crash(Survives survives, Rng& rng);
};

}  // namespace penstock::fakes
