#include "broker/host/peer_message.h"

#include <string>

#include "broker/host/control_batch.h"
#include "broker/host/limits.h"
#include "protocol/record/batch.h"
#include "storage/limits.h"

namespace penstock::broker {
namespace {

std::unexpected<Error> refuse(Offset at, const std::string& why) {
  return fail(Errc::kInvalidBatch, "at offset " + std::to_string(at.value()) + ": " + why);
}

Status check_place(const record::BatchView& batch, const raft::EntryRange& so_far) {
  if (batch.base_offset() != so_far.end) {
    return refuse(so_far.end,
                  "a batch says that it begins at " + std::to_string(batch.base_offset().value()));
  }
  if (batch.size() > storage::kMaxBatchBytes) return refuse(so_far.end, "a batch is too large");
  if (batch.end_offset().value() > kMaxOffset) return refuse(so_far.end, "offsets are used up");
  if (batch.leader_epoch() < raft::kFirstTerm) return refuse(so_far.end, "a batch has no term");
  if (!so_far.runs.empty() && batch.leader_epoch() < so_far.runs.back().term) {
    return refuse(so_far.end, "terms go back");
  }
  return {};
}

}  // namespace

Result<raft::EntryRange> describe_batches(ByteView batches, Offset begin, Checksums verify) {
  if (begin.value() < 0 || begin.value() > kMaxOffset) return refuse(begin, "no such offset");
  raft::EntryRange range{begin, begin, {}, {}, batches.size()};
  for (ByteView rest = batches; !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    PENSTOCK_TRY(check_place(batch, range));
    if (verify == Checksums::kVerify) PENSTOCK_TRY(batch.verify_crc());
    if (range.runs.empty() || range.runs.back().term != batch.leader_epoch()) {
      range.runs.push_back({batch.leader_epoch(), range.end});
    }
    if (batch.is_control()) {
      PENSTOCK_TRY_ASSIGN(auto membership, membership_in(batch));
      if (membership) range.memberships.push_back({range.end, *std::move(membership)});
    }
    range.end = batch.end_offset();
    rest = rest.subspan(batch.size());
  }
  return range;
}

}  // namespace penstock::broker
