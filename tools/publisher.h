// Publisher: the loop of `produce`: input, pace, producer, progress, and an honest end.
//
// Whatever ends it, everything that was accepted before is flushed first, and the tally says what
// became of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "client/producer.h"
#include "tools/fd_source.h"
#include "tools/produce_tally.h"
#include "tools/progress.h"
#include "tools/rate_limiter.h"
#include "tools/record_input.h"

namespace penstock::tools {

enum class OnBadLine { kStop, kPassOver };

struct PublisherOptions {
  std::string topic;
  InputOptions input;
  std::optional<std::string> key;  // of every record, unless the input gives one
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<PartitionId> partition;
  double rate = 0;
  std::uint64_t max_record_bytes = UINT64_MAX;  // of key and value, as the topic has it
  OnBadLine on_bad_line = OnBadLine::kStop;
  std::chrono::milliseconds delivery_timeout{120'000};  // the producer's
};

class Publisher {
 public:
  // Both outlive the publisher.
  Publisher(client::Producer& producer, FdSource& source, PublisherOptions options);

  ProduceTally run();

 private:
  // Publishes until something ends it; what that is, goes into the tally.
  void publish_all();
  // False when the loop is to end.
  bool publish(const InputRecord& record);
  // Stops or passes over, as the options say; false when the loop is to end.
  bool refuse(const Error& error);
  // An error when a record was not delivered and the loop is to end.
  Status look_at_outcomes();
  void take_outcomes();
  void stop_for_failed_line();
  void stop(ProduceEnd end, std::optional<Error> error);
  void flush();
  void draw_progress();

  client::Producer& producer_;
  FdSource& source_;
  PublisherOptions options_;
  std::unique_ptr<RecordInput> input_;
  std::vector<record::HeaderView> headers_;
  const Clock& clock_;
  std::int64_t started_ns_;
  RateLimiter limiter_;
  RedrawClock redraw_;
  std::size_t terminal_width_;  // 0: no terminal, no progress line
  std::uint64_t accepted_ = 0;
  ProduceTally tally_;
};

}  // namespace penstock::tools
