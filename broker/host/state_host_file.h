// The bytes of a snapshot of a state machine, on disk and on the way to a follower.
//
// Format: docs/storage_format.md, "State snapshot". The state is opaque here; the checksum covers
// everything. Failure: kCorrupt for bytes that are not exactly what encode() wrote; kForeignData
// for an intact file of another log or of an unknown version.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "broker/raft/types.h"
#include "storage/options.h"

namespace penstock::broker {

struct StateSnapshot {
  raft::LogPoint point;  // the state holds everything below, and nothing else
  ByteView state;        // borrowed
};

Bytes encode(const StateSnapshot& snapshot, const storage::LogIdentity& identity);
Result<StateSnapshot> decode_state_snapshot(ByteView file, const storage::LogIdentity& identity);

}  // namespace penstock::broker
