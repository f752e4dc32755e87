// LogReader: the records of one partition in order, up to where one asks.
//
// Threads: one. Lifetime: the source outlives it and is its alone. Failure: kTimeout when the log
// delivers nothing for that long; otherwise what the source reports.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "archiver/parquet.h"
#include "archiver/record_source.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/record.h"

namespace penstock::archiver {

class LogReader {
 public:
  static Result<LogReader> open(RecordSource& source, std::string topic, PartitionId partition,
                                Offset from, std::chrono::milliseconds timeout);

  // Visits the data records in [where the last call ended, end), and returns once the log is known
  // to hold no other below `end`.
  Status visit_until(Offset end, const RecordVisitor& visit);

 private:
  LogReader(RecordSource& source, std::string topic, PartitionId partition, Offset from,
            std::chrono::milliseconds timeout)
      : source_(source),
        topic_(std::move(topic)),
        partition_(partition),
        timeout_(timeout),
        position_(from),
        delivered_to_(from) {}

  Status fetch();
  void take_next_delivery();
  Status open_next_batch();
  Status advance();

  RecordSource& source_;
  std::string topic_;
  PartitionId partition_;
  std::chrono::milliseconds timeout_;
  Offset position_;                    // records before it are not visited (again)
  Offset delivered_to_;                // the log is known up to here
  std::deque<SourceBatches> waiting_;  // delivered, behind delivered_
  SharedBytes delivered_;
  ByteView rest_;  // batches of delivered_ that were not opened yet
  Term leader_epoch_;
  std::optional<record::Records> records_;   // of the batch that is open
  std::optional<record::RecordView> ready_;  // the next record
};

}  // namespace penstock::archiver
