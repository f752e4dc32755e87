// LoadConsumer: one consumer of a load: its own client, and a thread that reads every record of its
// partitions.
//
// Invariants: it decodes each record as an application would; a record counts when it was handed
// over whole.
// Threads: open() and finish() from one thread. Lifetime: finish() before destruction.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "bench/bench_command.h"
#include "bench/load_topic.h"
#include "client/client.h"
#include "client/consumer.h"

namespace penstock::bench {

struct ReadOutcome {
  std::uint64_t records = 0;
  std::uint64_t value_bytes = 0;
  std::uint64_t batch_bytes = 0;  // as they came
  std::uint64_t fetches = 0;
  std::int64_t end_ns = 0;  // when the last record was held
};

class LoadConsumer {
 public:
  // Called on the reading thread for each record.
  using OnRecord = std::function<void(PartitionId, const record::RecordView&)>;

  static Result<std::unique_ptr<LoadConsumer>> open(const BenchConfig& config,
                                                    std::vector<client::Assignment> assignment,
                                                    OnRecord on_record);
  ~LoadConsumer();

  // Reads until `done` says so between two polls, or nothing came for kReadPatience.
  void run(std::function<bool()> done);
  Result<ReadOutcome> finish();

  // Offset up to which a partition was read, for `done`; the reading thread's.
  Offset position(PartitionId partition) const;

 private:
  explicit LoadConsumer(OnRecord on_record) : on_record_(std::move(on_record)) {}

  Status read_all(const std::function<bool()>& done);
  Status take(client::Chunk& chunk);

  OnRecord on_record_;
  std::unique_ptr<client::Client> client_;
  std::unique_ptr<client::Consumer> consumer_;
  std::vector<Offset> positions_;  // by partition
  std::thread reader_;
  Status read_status_;   // the reader's, taken after join
  ReadOutcome outcome_;  // likewise
};

// Deals the partitions of a topic out to `consumers`: 5 over 2 are {0, 2, 4} and {1, 3}.
std::vector<std::vector<client::Assignment>> deal_partitions(const std::string& topic,
                                                             std::uint32_t partitions,
                                                             std::uint32_t consumers,
                                                             client::StartAt start);

}  // namespace penstock::bench
