// From the raw bytes of batches to a ProducerTable and back: headers are read, records never.
//
// Threads: one at a time. Failure: kInvalidBatch for bytes that are no batches, or numbers that no
// leader lets in; batches before that one were noted.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/producers/producer_table.h"

namespace penstock::broker {

// Notes stored batches, in their order, as they lie in the log: after the leader's append and after
// a follower's alike.
Status note_batches(ProducerTable& table, ByteView batches);

// Notes what a log holds from table.applied() on, up to `end`, to make a table again that was
// restored from a snapshot or is empty; begin() with the log start where nothing is known before
// it. `read` gives whole batches from an offset on, and where to go on; its errors are passed on: a
// table that misses batches must not answer.
struct LogPiece {
  SharedBytes batches;
  Offset next;
};
using ReadPiece = std::function<Result<LogPiece>(Offset from)>;
Status note_log(ProducerTable& table, Offset log_start, Offset end, const ReadPiece& read);

// What becomes of the batches of one partition in one request, each as if those before it were
// appended.
struct PartVerdict {
  // Of each batch, in order: NewBatch (also where nobody numbers it) or RepeatedBatch. Empty when
  // the part is refused.
  std::vector<Verdict> batches;
  // Nothing of the part is appended. kDuplicateSequence says of all of it that it is in the log; a
  // part of which that is true of some batches only is kOutOfOrderSequence: sent one at a time,
  // each gets its own answer.
  std::optional<Error> refused;

  // How many of the batches are to be appended.
  std::size_t fresh() const;
  // All of it is in the log, in one piece.
  std::optional<RepeatedBatch> repeated_as_one() const;
};

// Precondition: whole batches with right checksums. kInvalidBatch: numbers that mean nothing.
Result<PartVerdict> check_part(const ProducerTable& table, ByteView batches);

}  // namespace penstock::broker
