// What `produce` did, and how it says so.
//
// Pure: the figures come in, the text goes out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "client/producer.h"
#include "tools/exit_codes.h"

namespace penstock::tools {

enum class ProduceEnd {
  kEndOfInput,
  kBadLine,      // of the input, or a record that the topic refuses
  kDelivery,     // a record failed or has an unknown outcome
  kInterrupted,  // Ctrl-C
  kFailure,      // anything else: the input, the connection
};

struct ProduceTally {
  std::string topic;
  ProduceEnd end = ProduceEnd::kEndOfInput;
  std::optional<Error> error;     // why it ended, but for kEndOfInput and kInterrupted
  std::uint64_t bad_lines = 0;    // passed over, `refused` included
  std::uint64_t refused = 0;      // passed over because the broker refused them
  std::uint64_t value_bytes = 0;  // of the records accepted
  std::uint64_t resume_line = 0;  // first line that was not accepted
  bool input_is_file = false;     // so that it can be read again
  double seconds = 0;
  client::ProducerStats delivered;  // after the last flush; `refused` ones count as failed
  // The first record that was not delivered.
  std::optional<std::uint64_t> failed_line;
  std::shared_ptr<const Error> failed_error;
};

// Remembers the first line of those that were not delivered.
void note_failure(ProduceTally& tally, const client::Delivery& failure);
// The record itself is at fault: it was refused, and would be again.
bool is_refusal(const Error& error);

ExitCode exit_code(const ProduceTally& tally);
// For people, on standard error: why it stopped, what became of the records, how to go on.
std::string summary(const ProduceTally& tally);
// For scripts: "PRODUCE records=... bytes=... seconds=... rate=... failed=... unknown=... bad=..."
std::string figures(const ProduceTally& tally);

}  // namespace penstock::tools
