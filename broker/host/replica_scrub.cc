// Whether the disk still gives back what was written, and whether the replicas have the same.
//
// Reading checks checksums, which is what finds damage. What a leader has read it sums up and tells
// its members beside heartbeats; they compare that with what their own indexes say. A message that
// is lost leaves a range uncompared until the next pass.
#include <algorithm>
#include <utility>

#include "broker/host/replica_parts.h"
#include "protocol/record/batch.h"
#include "storage/run.h"

namespace penstock::broker {
namespace {

// Where to go on behind a place that cannot be read.
Offset behind_damage(const storage::Log& log, Offset at) {
  Offset next = at + 1;
  for (const auto& range : log.damage()) {
    if (range.begin <= at && at < range.end) next = std::max(next, range.end);
  }
  return next;
}

RangeDigest digest_of(ByteView batches) {
  RangeDigest digest;
  bool is_first = true;
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch) break;
    if (std::exchange(is_first, false)) digest.begin = batch->base_offset();
    digest.end = batch->end_offset();
    digest.sum += storage::header_hash(*batch);
    rest = rest.subspan(batch->size());
  }
  return digest;
}

}  // namespace

std::optional<storage::Log::FileRead> Replica::begin_scrub(std::uint64_t max_bytes) {
  State& s = *state_;
  if (s.ended) return std::nullopt;
  ScrubState& scrub = s.scrub;
  const Offset end = s.log->durable_end();
  while ((scrub.next = std::max(scrub.next, s.log->log_start())) < end) {
    auto piece = s.log->prepare_read(scrub.next, max_bytes, end);
    if (piece) return *std::move(piece);
    scrub.next = behind_damage(*s.log, scrub.next);
  }
  scrub.next = Offset(0);
  scrub.pass_bytes = 0;
  ++scrub.passes;
  scrub.finished_ms = s.now_ms();
  scrub.finished_at = s.clock.wall();
  return std::nullopt;
}

void Replica::complete_scrub(const Result<storage::ReadResult>& result) {
  State& s = *state_;
  if (s.ended) return;
  ScrubState& scrub = s.scrub;
  if (result) {
    scrub.pass_bytes += result->batches.size();
    scrub.total_bytes += result->batches.size();
    s.announce(digest_of(result->batches.view()));
    scrub.next = std::max(result->next, scrub.next);
  } else if (result.error().code() != Errc::kWouldBlock) {  // else: cut meanwhile, looked at anew
    scrub.next = behind_damage(*s.log, scrub.next);
  }
  s.look_for_damage();
  s.carry_out();
}

const ScrubState& Replica::scrub() const { return state_->scrub; }

// --- comparing

void Replica::State::announce(const RangeDigest& seen) {
  if (!group->is_ready() || seen.begin >= seen.end || seen.end > group->committed()) return;
  // Each replica compacts by itself: the same meaning in other bytes.
  if (seen.begin < log->compaction().rewritten_end) return;
  for (const raft::PeerStatus& peer : group->peers()) {
    const auto [place, is_new] = digests.try_emplace(peer.node, seen);
    if (is_new) continue;
    if (place->second.end == seen.begin) {
      place->second.end = seen.end;
      place->second.sum += seen.sum;
    } else {
      place->second = seen;
    }
  }
}

std::optional<RangeDigest> Replica::State::digest_for(raft::NodeId peer) {
  const auto found = digests.find(peer);
  if (found == digests.end()) return std::nullopt;
  return digests.extract(found).mapped();
}

void Replica::State::compare_digest(const PeerMessage& message) {
  const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message);
  if (append == nullptr || ended || !message.digest) return;
  if (group->leader() != message.envelope.from || group->term() != append->term) return;
  const RangeDigest& theirs = *message.digest;
  const Offset from = std::max(log->log_start(), log->compaction().rewritten_end);
  const bool is_here = from <= theirs.begin && theirs.begin < theirs.end &&
                       theirs.end <= std::min(group->committed(), log->durable_end());
  if (!is_here) return;
  const auto mine = log->digest(theirs.begin, theirs.end);
  if (mine && *mine == theirs.sum) {
    ++scrub.compared;
  } else if (mine || mine.error().code() == Errc::kInvalidArgument) {  // or no batch begins there
    ++scrub.divergences;
    scrub.divergent = theirs;
  }
}

}  // namespace penstock::broker
