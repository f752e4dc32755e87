// BenchTopic: the topic of one run: the caller's own, or a temporary one that goes with this
// object.
//
// Lifetime: keep it until the run's producers and consumers are closed; it brings its own client.
// Failure: a temporary topic that cannot be deleted stays, named penstock-bench-*; remove() says
// so.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/bench_command.h"
#include "client/client.h"

namespace penstock::bench {

// [begin, end) of one partition.
struct OffsetRange {
  Offset begin;
  Offset end;
};

class BenchTopic {
 public:
  // kUnknownTopic when config.topic names none.
  static Result<BenchTopic> open(const BenchConfig& config);
  BenchTopic(BenchTopic&&) = default;
  BenchTopic& operator=(BenchTopic&&) = delete;
  ~BenchTopic();

  const std::string& name() const { return name_; }
  bool is_temporary() const { return temporary_; }
  std::uint32_t partitions() const { return partitions_; }
  // What each partition holds now, in order.
  Result<std::vector<OffsetRange>> ranges() const;

  // Deletes a temporary topic; nothing to do for another one.
  Status remove();

 private:
  BenchTopic() = default;
  std::unique_ptr<client::Client> client_;
  std::string name_;
  bool temporary_ = false;
  std::uint32_t partitions_ = 0;
};

}  // namespace penstock::bench
