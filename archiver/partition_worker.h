// PartitionWorker: takes one partition's batches from the log to the archive.
//
// Invariants: what is spooled lies directly behind what is archived; dropping a PartitionWorker at
// any time loses nothing, because the next one begins at the manifest's end. Threads: one. Failure:
// after any failed call it is dropped and opened anew.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "archiver/archive_core.h"
#include "archiver/duckdb.h"
#include "archiver/parquet.h"
#include "archiver/partition_archive.h"
#include "archiver/record_source.h"
#include "archiver/spool.h"
#include "archiver/step_observer.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"

namespace penstock::archiver {

// What all partitions share; everything in it outlives them.
struct PartitionTools {
  ObjectStore& store;
  Env& env;  // of the working folder
  const Clock& clock;
  engine::Connection& sql;
  StepGate& gate;
  std::string work_dir;
};

struct Archived {
  std::uint64_t chunks = 0;
  std::uint64_t records = 0;
};

class PartitionWorker {
 public:
  static Result<PartitionWorker> open(const PartitionTools& tools, const LogPartition& log);

  // Takes what the source delivered; what it has already is left out.
  Status add(const SourceBatches& delivered);
  // Archives what was collected, in as many objects as limits.h asks for.
  Result<Archived> roll(RollReason reason);
  // Precondition: nothing is collected.
  Status record_lost(Offset until);

  const OpenChunk& open_chunk() const { return chunk_; }
  const PartitionArchive& archive() const { return archive_; }
  std::uint64_t spooled_bytes() const { return spool_.size_bytes(); }

 private:
  PartitionWorker(const PartitionTools& tools, PartitionArchive archive, Spool spool,
                  std::string parquet_path)
      : tools_(tools),
        archive_(std::move(archive)),
        spool_(std::move(spool)),
        parquet_path_(std::move(parquet_path)),
        chunk_(archive_.end()) {}

  Status commit_next(Spool::Reader& batches, RollReason reason);
  Result<Offset> write_parquet(Spool::Reader& batches, ParquetWriter& writer) const;
  Status read_back(const RecordFigures& written) const;
  Status pass(Step step);

  PartitionTools tools_;
  PartitionArchive archive_;
  Spool spool_;
  std::string parquet_path_;
  OpenChunk chunk_;
};

// Removes the files that an earlier worker left in its working folder.
Status remove_work_files(Env& env, const std::string& work_dir);

}  // namespace penstock::archiver
