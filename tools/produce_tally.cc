#include "tools/produce_tally.h"

#include <array>
#include <cstdio>

#include "tools/output_table.h"
#include "tools/report.h"

namespace penstock::tools {
namespace {

double rate_of(const ProduceTally& tally) {
  return tally.seconds <= 0
             ? 0
             : static_cast<double>(tally.delivered.records_delivered) / tally.seconds;
}

std::string records(std::uint64_t count) {
  return with_thousands(count) + (count == 1 ? " record" : " records");
}

std::string why(const ProduceTally& tally) {
  switch (tally.end) {
    case ProduceEnd::kEndOfInput:
      return {};
    case ProduceEnd::kInterrupted:
      return "penstock: interrupted\n";
    case ProduceEnd::kBadLine:
      // The message names the line; the name of its code would only be noise.
      return "penstock: produce to '" + tally.topic + "': " + tally.error->message() + "\n";
    case ProduceEnd::kDelivery:
    case ProduceEnd::kFailure:
      return tally.error
                 ? failure_text(Error(*tally.error).context("produce to '" + tally.topic + "'"))
                 : std::string();
  }
  return {};
}

std::string losses(const ProduceTally& tally) {
  std::string text;
  const client::ProducerStats& stats = tally.delivered;
  if (stats.records_failed > 0) text += records(stats.records_failed) + " failed: not written\n";
  if (stats.records_unknown > 0) {
    text += records(stats.records_unknown) + " with unknown outcome: written or not\n";
  }
  if (tally.failed_line && tally.end != ProduceEnd::kDelivery) {
    text += "the first of them is line " + std::to_string(*tally.failed_line) + ": " +
            tally.failed_error->to_string() + "\n";
  }
  return text;
}

std::string how_to_go_on(const ProduceTally& tally) {
  if (tally.end == ProduceEnd::kEndOfInput) return {};
  std::uint64_t line = tally.resume_line;
  if (tally.failed_line && *tally.failed_line < line) {
    return "hint: lines before " + std::to_string(*tally.failed_line) +
           " are published; of the lines from there to " + std::to_string(line - 1) +
           " some are, so going on with --from_line=" + std::to_string(*tally.failed_line) +
           " may write a record twice\n";
  }
  std::string text = "hint: ";
  if (tally.end == ProduceEnd::kBadLine) text += "pass over such lines with --skip_bad, or ";
  text += "go on with --from_line=" + std::to_string(line);
  return text + (tally.input_is_file ? "\n" : " on the same input\n");
}

}  // namespace

void note_failures(ProduceTally& tally, const std::vector<client::Delivery>& deliveries) {
  for (const client::Delivery& delivery : deliveries) {
    if (!delivery.error) continue;
    if (tally.failed_line && *tally.failed_line <= delivery.tag) continue;
    tally.failed_line = delivery.tag;
    tally.failed_error = delivery.error;
  }
}

ExitCode exit_code(const ProduceTally& tally) {
  const bool lost = tally.delivered.records_failed + tally.delivered.records_unknown > 0;
  switch (tally.end) {
    case ProduceEnd::kInterrupted:
      return ExitCode::kInterrupted;
    case ProduceEnd::kBadLine:
    case ProduceEnd::kDelivery:
      return ExitCode::kFailed;
    case ProduceEnd::kFailure:
      return tally.error ? exit_code(tally.error->code()) : ExitCode::kFailed;
    case ProduceEnd::kEndOfInput:
      break;
  }
  return lost ? ExitCode::kFailed : ExitCode::kOk;
}

std::string summary(const ProduceTally& tally) {
  std::string text = why(tally) + losses(tally);
  if (tally.bad_lines > 0) text += with_thousands(tally.bad_lines) + " bad lines passed over\n";
  text += "published " + records(tally.delivered.records_delivered) + " to '" + tally.topic +
          "' in " + human_seconds(tally.seconds) + " (" + human_bytes(tally.value_bytes) +
          " read, " + with_thousands(static_cast<std::uint64_t>(rate_of(tally))) + " records/s)\n";
  return text + how_to_go_on(tally);
}

std::string figures(const ProduceTally& tally) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(),
                "PRODUCE records=%llu bytes=%llu seconds=%.3f rate=%.0f failed=%llu unknown=%llu "
                "bad=%llu\n",
                static_cast<unsigned long long>(tally.delivered.records_delivered),
                static_cast<unsigned long long>(tally.value_bytes), tally.seconds, rate_of(tally),
                static_cast<unsigned long long>(tally.delivered.records_failed),
                static_cast<unsigned long long>(tally.delivered.records_unknown),
                static_cast<unsigned long long>(tally.bad_lines));
  return text.data();
}

}  // namespace penstock::tools
