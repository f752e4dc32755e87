// ReplicaProducers: the ProducerTable of one replica: made of the log, kept level with it, and its
// snapshot on disk.
//
// Invariants: table() is what the log says up to its end, or absent: one that misses batches
// answers nobody. The snapshot on disk goes at least as far as the log's start wherever the log
// has lost something that the table knows (keep() comes before the loss). Threads: the replica's;
// the snapshot of a checkpoint is written on a pool. Failure: what cannot be read now is tried
// again; a snapshot that is lost or damaged is made again from what the log still holds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "broker/host/producer_file.h"
#include "broker/producers/note_batches.h"
#include "broker/producers/producer_table.h"
#include "storage/log.h"

namespace penstock::broker {

class ReplicaProducers {
 public:
  // What is done about batches that the disk does not give back.
  enum class Damage : std::uint8_t {
    kWaits,          // other copies will mend it: there is no table until then
    kIsSteppedOver,  // this is the only copy: nobody can read those batches, nor repeat them twice
  };

  ReplicaProducers(Env& env, std::string path, const TopicPartition& partition);

  // Makes the table: the snapshot, then the log from there. `committed`: at least. kForeignData,
  // kUnsupportedVersion: that snapshot is somebody else's. After any failure, and behind damage
  // that waits, there is no table.
  Status make(storage::Log& log, Offset committed, Damage damage);
  // The same without the snapshot, which is of a log that went further than this one, and now goes.
  Status make_anew(storage::Log& log, Offset committed, Damage damage);

  // --- the log's life, as docs/producers.md has it; nothing while there is no table
  void appended(ByteView batches);
  void committed(Offset up_to);
  void truncated(Offset to);
  // Before the log loses what is below `start`: what the table needs of it is durable. Blocking.
  Status keep(Offset start);
  // Before the log begins anew at `start` with what its leader sent along; empty: the leader knows
  // of no producers, or is of an older release. kCorrupt: nothing has changed.
  Status install(Offset start, ByteView snapshot);
  // ... and when it has begun there.
  void was_reset(Offset start);

  // For a follower whose log is to begin at `start`; empty when there is none that goes that far.
  SharedBytes to_send(Offset start) const;

  // --- the snapshot that bounds what make() reads
  // Due, and taken: to be passed to file()->write() on some thread, then written().
  std::optional<ProducerSnapshot> take_due();
  void written(const ProducerSnapshot& snapshot);
  Status close();

  const ProducerTable* table() const { return table_ ? &*table_ : nullptr; }
  // The table is one of exactly this log.
  bool is_level_with(const storage::Log& log) const {
    return table_ && table_->end() == log.log_end();
  }
  const std::shared_ptr<ProducerFile>& file() const { return file_; }

 private:
  Result<std::optional<ProducerTable>> restore() const;
  Status note(storage::Log& log, ProducerTable& table, Damage damage);
  ProducerSnapshot snapshot() const;

  const TopicPartition partition_;
  std::shared_ptr<ProducerFile> file_;
  std::optional<ProducerTable> table_;
  std::optional<ProducerTable> installing_;
  std::uint64_t noted_bytes_ = 0;  // of the log, since the last snapshot was taken
  std::uint64_t due_after_bytes_ = 0;
};

std::string producer_file_path(const std::string& dir);

}  // namespace penstock::broker
