// Spool: the batches of one open chunk, verbatim, in a local file, so that open chunks cost disk
// and not memory.
//
// Invariants: nothing is ever recovered from a spool; the manifest is the position, and a spool
// that a dead worker left behind is overwritten. What is read back is what was appended: each batch
// stands behind a hash of the part that its own CRC does not cover.
// Format: per batch, XXH3-64 of its first 21 bytes (little-endian), then the batch.
// Threads: one. Failure: after a failed append the spool is of no use; kCorrupt when it reads back
// differently.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "protocol/record/batch.h"

namespace penstock::archiver {

class Spool {
 public:
  // Begins an empty spool in the file `path`, whatever it held.
  static Result<Spool> create(Env& env, std::string path);

  Status append(const record::BatchView& batch);
  // Empty again.
  Status clear();
  std::uint64_t size_bytes() const { return size_; }
  const std::string& path() const { return file_->path(); }

  // Reads the batches in order.
  class Reader {
   public:
    explicit Reader(const Spool& spool) : spool_(&spool) {}
    // None at the end. The view lives until the next call.
    Result<std::optional<record::BatchView>> next();

   private:
    const Spool* spool_;
    std::uint64_t position_ = 0;
    Bytes batch_;
  };

 private:
  explicit Spool(std::unique_ptr<File> file) : file_(std::move(file)) {}

  std::unique_ptr<File> file_;
  std::uint64_t size_ = 0;
};

}  // namespace penstock::archiver
