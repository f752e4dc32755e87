#include "tools/produce_tally.h"

#include <algorithm>
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

std::uint64_t failed(const ProduceTally& tally) {
  return tally.delivered.records_failed - std::min(tally.refused, tally.delivered.records_failed);
}

std::uint64_t lost(const ProduceTally& tally) {
  return failed(tally) + tally.delivered.records_unknown;
}

std::string losses(const ProduceTally& tally) {
  std::string text;
  if (failed(tally) > 0) text += records(failed(tally)) + " failed: not written\n";
  if (tally.delivered.records_unknown > 0) {
    text += records(tally.delivered.records_unknown) + " with unknown outcome: written or not\n";
  }
  if (tally.failed_line && tally.end != ProduceEnd::kDelivery) {
    text += "the first of them is line " + std::to_string(*tally.failed_line) + ": " +
            tally.failed_error->to_string() + "\n";
  }
  return text;
}

std::string how_to_go_on(const ProduceTally& tally) {
  if (tally.end == ProduceEnd::kEndOfInput) return {};
  const std::string next = "--from_line=" + std::to_string(tally.resume_line);
  const std::string input = tally.input_is_file ? "\n" : " on the same input\n";
  if (lost(tally) > 0 && tally.failed_line) {
    const std::string line = std::to_string(*tally.failed_line);
    if (lost(tally) == 1) {
      return "hint: every other line up to there is published: see to line " + line +
             " alone, and go on with " + next + input;
    }
    return "hint: lines before " + line + " are published, those from there to " +
           std::to_string(tally.resume_line - 1) +
           " only in part: going on with --from_line=" + line + " may write records twice, with " +
           next + " leaves some out\n";
  }
  std::string text = "hint: ";
  if (tally.end == ProduceEnd::kBadLine) text += "pass over such lines with --skip_bad, or ";
  return text + "go on with " + next + input;
}

}  // namespace

void note_failure(ProduceTally& tally, const client::Delivery& failure) {
  if (tally.failed_line && *tally.failed_line <= failure.tag) return;
  tally.failed_line = failure.tag;
  tally.failed_error = failure.error;
}

bool is_refusal(const Error& error) {
  return error.code() == Errc::kRecordTooLarge || error.code() == Errc::kBatchTooLarge;
}

ExitCode exit_code(const ProduceTally& tally) {
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
  return lost(tally) > 0 ? ExitCode::kFailed : ExitCode::kOk;
}

std::string summary(const ProduceTally& tally) {
  std::string text = why(tally) + losses(tally);
  if (tally.bad_lines > 0) {
    text += with_thousands(tally.bad_lines) +
            (tally.bad_lines == 1 ? " bad line passed over\n" : " bad lines passed over\n");
  }
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
                static_cast<unsigned long long>(failed(tally)),
                static_cast<unsigned long long>(tally.delivered.records_unknown),
                static_cast<unsigned long long>(tally.bad_lines));
  return text.data();
}

}  // namespace penstock::tools
