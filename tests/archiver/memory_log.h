// MemoryLog: topics in memory as a RecordSource, with what can happen to a log.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archiver/record_source.h"
#include "base/random.h"
#include "protocol/record/builder.h"
#include "protocol/record/record.h"

namespace penstock::archiver {

class MemoryLog final : public RecordSource {
 public:
  void create(const std::string& topic, std::int32_t partitions = 1);
  void erase(const std::string& topic) { topics_.erase(topic); }
  // Appends one batch; returns its base offset.
  Offset append(const std::string& topic, std::int32_t partition,
                const std::vector<record::Record>& records,
                record::Codec codec = record::Codec::kNone);
  // One record with this value, for stories.
  Offset append(const std::string& topic, const std::string& value);
  void append_control(const std::string& topic, std::int32_t partition);
  void remove_before(const std::string& topic, std::int32_t partition, Offset before);
  // From now on the partition cannot be read; none: it can.
  void break_partition(const std::string& topic, std::int32_t partition,
                       std::optional<Error> error);
  // The log ends before `offset`, as after a restore of an old copy.
  void truncate(const std::string& topic, std::int32_t partition, Offset offset);
  Offset end(const std::string& topic, std::int32_t partition) const;

  // Set: every call fails with it.
  std::optional<Error> away;
  // Batches that one poll() returns of a partition.
  std::size_t batches_per_poll = 3;

  Result<std::vector<SourceTopic>> topics(const std::vector<std::string>& names) override;
  Status assign(const std::vector<SourcePosition>& positions) override;
  Result<std::vector<SourceBatches>> poll(std::chrono::milliseconds wait) override;

 private:
  struct Batch {
    Offset base;
    Offset end;
    Bytes bytes;
  };
  struct Partition {
    std::vector<Batch> batches;
    Offset log_start{0};
    Offset end{0};
    std::optional<Error> broken;
  };
  struct Topic {
    Uuid id;
    std::vector<Partition> partitions;
  };
  struct Reading {
    Offset next;
    bool failed = false;
  };

  Result<std::optional<SourceBatches>> read(const std::string& topic, std::int32_t number,
                                            Reading& reading);
  Offset append_batch(Partition& partition, Bytes bytes);

  Rng ids_{7};
  std::map<std::string, Topic> topics_;
  std::map<std::pair<std::string, std::int32_t>, Reading> reading_;
};

// Records of every shape: keys, values and headers null, empty, short, long and binary; timestamps
// negative, none and huge.
std::vector<record::Record> any_records(Rng& rng, std::size_t count);

record::Record text_record(const std::string& value, Timestamp timestamp = Timestamp(1000));

}  // namespace penstock::archiver
