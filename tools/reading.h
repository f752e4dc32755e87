// The loop of `consume`: from where to where each partition is read, and when it is over.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "client/consumer.h"
#include "tools/exit_codes.h"
#include "tools/format_program.h"
#include "tools/output_stream.h"
#include "tools/start_spec.h"

namespace penstock::tools {

// Appends the printed form of a record.
using RecordWriter = std::function<void(const LocatedRecord&, std::string& out)>;

enum class Until {
  kEndAtStart,   // the high watermarks of the moment when reading began
  kInterrupted,  // for ever
};

struct ReadingOptions {
  std::string topic;
  StartSpec start;
  std::optional<PartitionId> partition;     // none: all
  std::optional<std::int64_t> max_records;  // none: no limit
  Until until = Until::kEndAtStart;
  std::chrono::milliseconds patience{30'000};  // of a bounded read, with a silent broker
  RecordWriter writer;
};

// kOk when everything asked for was written or the reader of the output has gone; kInterrupted.
Result<ExitCode> read_topic(client::Client& client, ReadingOptions options, OutputStream& out);

}  // namespace penstock::tools
