// ProducerFile: the snapshot of a ProducerTable beside its log, `replica.producers`.
//
// Invariants: what stands there is of one log; write() only ever replaces it by one that knows
// more of the same log. Threads: any; writers wait for each other, so that the one on a pool and
// the one that the log waits for do not meet in the temporary file. Failure: the old one stays.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::broker {

// Encoded, to be written by whoever has the time.
struct ProducerSnapshot {
  Bytes bytes;
  Offset applied;             // everything below is in it
  std::uint64_t history = 0;  // of ProducerFile::history() when it was taken
};

class ProducerFile {
 public:
  ProducerFile(Env& env, std::string path) : env_(env), path_(std::move(path)) {}

  // None: there is none. kCorrupt: larger than any.
  Result<std::optional<Bytes>> read() const;
  // Durable when it returns; nothing when the file knows as much already. Blocking.
  Status write(const ProducerSnapshot& snapshot);
  // What stands there is of a log that is no more, and so is what was taken of it and not written
  // yet. Blocking.
  Status replace(const ProducerSnapshot& snapshot);

  // What stands there goes up to that offset; none: nothing that can be used.
  std::optional<Offset> covers() const;
  void found(Offset applied) { applied_ = applied.value(); }
  std::uint64_t history() const { return history_; }
  const std::string& path() const { return path_; }

 private:
  static constexpr std::int64_t kNothing = -1;

  Env& env_;
  const std::string path_;
  std::mutex writing_;
  std::atomic<std::int64_t> applied_ = kNothing;
  std::atomic<std::uint64_t> history_ = 0;
};

}  // namespace penstock::broker
