#include "client/outcome.h"

namespace penstock::client {
namespace {

NextStep next_step(const Error& error, Stage stage) {
  switch (error.code()) {
    // Wrong as a whole. Smaller parts, down to the one record that is to blame, are told apart by
    // sending them alone.
    case Errc::kBatchTooLarge:
    case Errc::kRecordTooLarge:
    case Errc::kFrameTooLarge:
    case Errc::kInvalidBatch:
    case Errc::kKeyRequired:
      return stage == Stage::kSent ? NextStep::kGiveUp : NextStep::kSplit;
    // It was right when it was made: bytes changed on the way.
    case Errc::kBadChecksum:
      return stage == Stage::kAnswered ? NextStep::kRetry : NextStep::kGiveUp;
    // The broker does not know the topic: it may not have heard of it yet. Metadata decides.
    case Errc::kUnknownTopic:
    case Errc::kUnknownPartition:
      return NextStep::kRetry;
    default:
      return error.retriable() ? NextStep::kRetry : NextStep::kGiveUp;
  }
}

bool says_stale_metadata(Errc code) {
  switch (code) {
    case Errc::kNotLeader:
    case Errc::kStaleEpoch:
    // Taking over, leaving, or without a majority that answers: another one may lead soon.
    case Errc::kNotReady:
    case Errc::kShuttingDown:
    case Errc::kTimeout:
    case Errc::kUnknownTopic:
    case Errc::kUnknownPartition:
    case Errc::kConnectionLost:
    case Errc::kConnectFailed:
      return true;
    default:
      return false;
  }
}

}  // namespace

Verdict judge(const Error& error, Stage stage) {
  Verdict verdict{.next = next_step(error, stage),
                  .may_be_written = false,
                  .metadata_is_stale = says_stale_metadata(error.code())};
  switch (stage) {
    case Stage::kNotSent:
      break;
    case Stage::kSent:
      // Whatever ended the wait, the broker may have read the request.
      verdict.may_be_written = true;
      break;
    case Stage::kAnswered:
      verdict.may_be_written = error.outcome() == Outcome::kMaybeDone;
      break;
  }
  return verdict;
}

Error final_error(const Error& last, const std::optional<Error>& doubt) {
  const bool maybe = last.outcome() == Outcome::kMaybeDone;
  if (doubt && maybe) return last;
  if (doubt) {
    const Errc code =
        doubt->outcome() == Outcome::kMaybeDone ? doubt->code() : Errc::kConnectionLost;
    return {code, "an attempt may have been written (" + doubt->to_string() +
                      "); the last one was not: " + last.to_string()};
  }
  if (maybe) return {Errc::kOverloaded, "certainly not written: " + last.to_string()};
  return last;
}

Error expired_error(std::string_view after, const std::optional<Error>& why,
                    const std::optional<Error>& doubt) {
  const std::string reason =
      why ? why->to_string() : "requests ahead of it took that long (see the broker's latency)";
  const std::string message = "no outcome within " + std::string(after) + ": " + reason;
  if (doubt) return {Errc::kTimeout, message + "; an attempt may have been written"};
  const bool definite = why && why->outcome() == Outcome::kNotDone;
  return {definite ? why->code() : Errc::kOverloaded, message + "; certainly not written"};
}

}  // namespace penstock::client
