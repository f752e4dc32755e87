// Consumer: reads partitions that the application assigns, from where it says, with bounded
// prefetch.
//
//   consumer.assign({{"orders", PartitionId(0), StartAt::beginning()}});
//   while (auto chunks = consumer.poll(milliseconds(500))) {
//     for (Chunk& chunk : *chunks)
//       while (auto record = chunk.next()) { if (!*record) break; use(**record); }
//   }
//
// Guarantees: records of a partition come in offset order, without gaps other than removed records,
// from the start position on; only durable records; a chunk has passed its checksums. poll() moves
// the position past what it returns. Threads: one thread at a time, but for wake(); interceptors
// run within poll(), prefetching happens on the client's I/O thread. Failure: poll() returns an
// error of one partition once (its message names it) and stops fetching it until seek(); other
// partitions go on. Lost connections are retried inside; poll() then just returns nothing until
// `wait` is over, and stats().last_error says why.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client.h"
#include "protocol/record/record.h"

namespace penstock::client {

struct Assignment {
  std::string topic;
  PartitionId partition;
  StartAt start;
};

// Whole batches of one partition as they came, and a walk over their records.
class Chunk {
 public:
  Chunk(std::string topic, PartitionId partition, SharedBytes batches, Offset from, Offset next,
        Offset high_watermark, record::DecompressLimits limits);

  const std::string& topic() const { return topic_; }
  PartitionId partition() const { return partition_; }
  Offset next_offset() const { return next_; }  // behind the chunk
  Offset high_watermark() const { return high_watermark_; }
  // Whole batches, verbatim; may begin before the position, and hold control batches.
  const SharedBytes& batches() const { return batches_; }

  // The next data record at or after the position; none at the end. The view lives until the next
  // call.
  Result<std::optional<record::RecordView>> next();
  // Epoch of the batch of the record that next() returned last.
  Term leader_epoch() const { return leader_epoch_; }

 private:
  std::string topic_;
  PartitionId partition_;
  SharedBytes batches_;
  Offset from_;
  Offset next_;
  Offset high_watermark_;
  record::DecompressLimits limits_;
  std::size_t position_ = 0;  // of the next batch in batches_
  Term leader_epoch_;
  std::optional<record::Records> records_;
};

struct ConsumerStats {
  std::uint64_t records = 0;  // as counted by batch headers
  std::uint64_t bytes = 0;
  std::uint64_t fetches = 0;
  std::uint64_t prefetched_bytes = 0;  // in memory now
  std::optional<Error> last_error;     // of the connection; cleared by the next success
};

class Consumer {
 public:
  static Result<std::unique_ptr<Consumer>> open(Client& client, ConsumerConfig config);
  ~Consumer();

  // Replaces what is assigned. Resolves beginning, end and times now.
  Status assign(std::vector<Assignment> partitions);
  Status seek(const std::string& topic, PartitionId partition, StartAt to);
  // Paused partitions are not fetched and keep their position; what was prefetched is returned
  // after resume().
  Status pause(const std::string& topic, PartitionId partition);
  Status resume(const std::string& topic, PartitionId partition);

  // What has arrived; waits up to `wait` for the first chunk. Empty: nothing came.
  Result<std::vector<Chunk>> poll(milliseconds wait);

  // A poll() that waits returns with what there is, or else the next one does. From any thread.
  void wake();

  // Offset that the next poll() of the partition begins with.
  Result<Offset> position(const std::string& topic, PartitionId partition) const;
  // True when every assigned, unpaused partition was read up to the high watermark of its last
  // fetch.
  bool at_end() const;

  ConsumerStats stats() const;
  Status close();

  class Core;

 private:
  explicit Consumer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace penstock::client
