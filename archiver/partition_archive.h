// PartitionArchive: the archive of one partition as its one writer changes it.
//
// Invariants: an object counts only once the manifest names it, and the manifest is replaced only
// over the version that this writer has seen, so a writer that was overtaken (its generation is no
// longer the highest) changes nothing any more. A crash between any two steps leaves at most one
// object that no manifest names; open() removes it, provided that the log still holds its records.
// Threads: one. Failure: after a failed commit() or record_lost() the object is of no use: what the
// store holds is known again only after the next open(). kForeignData (archive of another topic of
// that name), kMismatch (the log is shorter than its archive; another writer took over), kCorrupt
// (a damaged manifest, or objects without one), and those of the object store.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "archiver/manifest.h"
#include "archiver/object_store.h"
#include "archiver/step_observer.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::archiver {

// The partition as the log shows it.
struct LogPartition {
  std::string topic;
  Uuid topic_id;
  PartitionId partition;
  Offset log_start;
  Offset high_watermark;
};

class PartitionArchive {
 public:
  // Takes the partition over: reads or creates its manifest, raises its generation, removes
  // leftovers, and records as lost what the log no longer has. Store and gate outlive it.
  static Result<PartitionArchive> open(ObjectStore& store, StepGate& gate, const LogPartition& log,
                                       Timestamp now);

  // Makes the file `path` the object of `chunk`, checks it there, and names it in the manifest.
  // Precondition: chunk.base == end().
  Status commit(const ChunkEntry& chunk, const std::string& path);
  // Offsets [end(), until) were removed from the log before they were archived.
  Status record_lost(Offset until, Timestamp now);

  const Manifest& manifest() const { return manifest_; }
  Offset end() const { return manifest_.end(); }

 private:
  PartitionArchive(ObjectStore& store, StepGate& gate, Manifest manifest,
                   std::optional<ObjectVersion> version)
      : store_(&store),
        gate_(&gate),
        manifest_(std::move(manifest)),
        version_(std::move(version)) {}

  static Result<PartitionArchive> load(ObjectStore& store, StepGate& gate, const LogPartition& log);
  Status replace_manifest(Manifest manifest);
  Status remove_leftovers(const LogPartition& log);

  ObjectStore* store_;
  StepGate* gate_;
  Manifest manifest_;
  std::optional<ObjectVersion> version_;  // none: not yet in the store
};

}  // namespace penstock::archiver
