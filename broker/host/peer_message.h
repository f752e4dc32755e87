// PeerMessage: a consensus message together with the bytes that travel beside it.
//
// Invariants: `attachment` of an AppendRequest is exactly the batches of its range, whole and in
// order; of an InstallRequest the state at its start; otherwise it is empty. Format on the wire:
// docs/protocol.md, "Between brokers". Threads: a value.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/raft/message.h"

namespace penstock::broker {

// What a leader's log says of a range of committed batches (storage::Log::digest).
struct RangeDigest {
  Offset begin;
  Offset end;
  std::uint64_t sum = 0;
  friend bool operator==(const RangeDigest&, const RangeDigest&) = default;
};

// Whole runs of batches that a member's disk does not give back.
struct WantedRange {
  Offset begin;
  Offset end;
  friend bool operator==(const WantedRange&, const WantedRange&) = default;
};

struct PeerMessage {
  raft::Envelope envelope;
  SharedBytes attachment;
  // Beside an AppendRequest: where readers of the leader's log begin; zero: it does not say.
  Offset log_start = {};
  // Beside an AppendRequest: for comparison.
  std::optional<RangeDigest> digest = {};
  // Beside an AppendReply: the leader is asked for them once more.
  std::optional<WantedRange> wants = {};
  // Beside an AppendReply: what lies below it was compacted there as long ago as tombstones stay;
  // zero: not known.
  Offset settled_end = {};
  // Beside an AppendRequest: the smallest settled end of all members; zero: not known.
  Offset settled_by_all = {};
  // Beside an AppendRequest: of the tombstones below it, the leader's log may lack some.
  Offset tombstones_gone_below = {};
};

// What a run of stored batches looks like to consensus: reads the headers, and the records of
// control batches. kInvalidBatch, kBadChecksum: these bytes are no run of valid batches that begins
// at `begin`. `verify` says whether checksums are computed (bytes from a peer) or were (own log).
enum class Checksums : std::uint8_t { kVerify, kAlreadyVerified };
Result<raft::EntryRange> describe_batches(ByteView batches, Offset begin, Checksums verify);

}  // namespace penstock::broker
