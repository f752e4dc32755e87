// The loop of `consume --group`: a member of a group that prints what it reads, and commits what
// was written out.
#pragma once

#include <cstdint>
#include <optional>

#include "client/group_consumer.h"
#include "tools/exit_codes.h"
#include "tools/output_stream.h"
#include "tools/reading.h"

namespace penstock::tools {

struct GroupReadingOptions {
  client::GroupConfig config;
  std::optional<std::int64_t> max_records;  // none: until interrupted
  RecordWriter writer;
};

// kOk when so many records were written, or the reader of the output has gone; kInterrupted. What
// was printed and flushed is committed, nothing else.
Result<ExitCode> read_as_member(client::Client& client, GroupReadingOptions options,
                                OutputStream& out);

}  // namespace penstock::tools
