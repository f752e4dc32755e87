// PeerMessage: a consensus message together with the bytes that travel beside it.
//
// Invariants: `attachment` of an AppendRequest is exactly the batches of its range, whole and in
// order; of an InstallRequest the state at its start; otherwise it is empty. Format on the wire:
// docs/protocol.md, "Between brokers". Threads: a value.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "broker/raft/message.h"

namespace penstock::broker {

struct PeerMessage {
  raft::Envelope envelope;
  SharedBytes attachment;
};

// What a run of stored batches looks like to consensus: reads the headers, and the records of
// control batches. kInvalidBatch, kBadChecksum: these bytes are no run of valid batches that begins
// at `begin`. `verify` says whether checksums are computed (bytes from a peer) or were (own log).
enum class Checksums : std::uint8_t { kVerify, kAlreadyVerified };
Result<raft::EntryRange> describe_batches(ByteView batches, Offset begin, Checksums verify);

}  // namespace penstock::broker
