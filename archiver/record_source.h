// RecordSource: where the archiver reads the log; the client in production, memory in tests.
//
// Guarantees, the consumer's: batches of a partition come whole, in offset order, from the assigned
// position on, durable and with verified checksums; the first may begin before the position.
// Threads: one. Failure: a call that fails changes nothing; after a failed poll() some partition is
// no longer read until the next assign().
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::archiver {

struct SourcePartition {
  PartitionId partition;
  Offset log_start;
  Offset high_watermark;
  std::optional<Error> error{};  // why it cannot be read; then the offsets say nothing
};

struct SourceTopic {
  std::string name;
  Uuid id;
  bool internal = false;
  std::vector<SourcePartition> partitions;
};

struct SourcePosition {
  std::string topic;
  PartitionId partition;
  Offset next;
};

struct SourceBatches {
  std::string topic;
  PartitionId partition;
  SharedBytes batches;
  Offset next;  // behind the last batch
};

class RecordSource {
 public:
  virtual ~RecordSource() = default;

  // All topics when `names` is empty; kUnknownTopic when one of them does not exist.
  virtual Result<std::vector<SourceTopic>> topics(const std::vector<std::string>& names) = 0;
  // Replaces what is read.
  virtual Status assign(const std::vector<SourcePosition>& positions) = 0;
  // What has arrived; waits up to `wait` for something.
  virtual Result<std::vector<SourceBatches>> poll(std::chrono::milliseconds wait) = 0;
};

}  // namespace penstock::archiver
