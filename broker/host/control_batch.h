// Control batches: what consensus itself writes into a replicated log, in the same offset space as
// the records of producers. Consumers skip them.
//
// Format: a RecordBatch v2 with the control bit and one record. Key: int16 version 0, int16 type
// (big-endian, as other control records of that format); type 100 opens a term and has an empty
// value, type 101 is a membership, type 102 (empty as well) tells the time. Value of 101: varint
// count and int32 node ids for voters, outgoing voters, learners. Golden bytes:
// tests/broker/host/control_batch_golden_test.cc. Failure: kInvalidBatch for anything else; unknown
// types of a control batch are stepped over.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/raft/types.h"
#include "protocol/record/batch.h"

namespace penstock::broker {

Bytes make_term_opening(Timestamp now);
// The time, for what is forgotten by it (docs/producers.md).
Bytes make_time_mark(Timestamp now);
Bytes make_membership_batch(const raft::Membership& membership, Timestamp now);

// The membership in a batch; none when it holds something else.
Result<std::optional<raft::Membership>> membership_in(const record::BatchView& batch);

// The value of a membership record alone, as it also stands in other files and in messages. None:
// no membership (unsorted, without voters, over kMaxMembers in a list, bytes left over).
Bytes encode_membership(const raft::Membership& membership);
std::optional<raft::Membership> decode_membership(ByteView value);

}  // namespace penstock::broker
