// What a failed attempt to write means: try again or not, and what may honestly be said in the end.
//
// The whole truth about a batch, or a commit, is in its history, not in its last error: a batch whose first
// request got no answer may be in the log, whatever a later attempt was told. Pure.
#pragma once

#include <optional>

#include "base/result.h"

namespace penstock::client {

// How far an attempt came before it failed.
enum class Stage : std::uint8_t {
  kNotSent,   // no byte left this process
  kSent,      // bytes may have left, and no answer came
  kAnswered,  // the broker says so itself
};

enum class NextStep : std::uint8_t {
  kGiveUp,  // trying again unchanged is of no use
  kRetry,
  kSplit,  // a smaller part of it may go through
};

struct Verdict {
  NextStep next = NextStep::kGiveUp;
  bool may_be_written = false;
  bool metadata_is_stale = false;
};

Verdict judge(const Error& error, Stage stage);

// The error to report for a batch that is given up because of `last`, when `doubt` is the first
// attempt of it that may have been written (none: certainly not written). Invariant: its outcome()
// is kMaybeDone exactly when there is a doubt.
Error final_error(const Error& last, const std::optional<Error>& doubt);

// The error of a batch whose time is over. `why` is what held it up last, if anything is known.
Error expired_error(std::string_view after, const std::optional<Error>& why,
                    const std::optional<Error>& doubt);

}  // namespace penstock::client
