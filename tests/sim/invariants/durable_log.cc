#include "tests/sim/invariants/durable_log.h"

#include <algorithm>

#include "protocol/record/batch.h"
#include "storage/segment_name.h"
#include "tests/sim/node.h"

namespace penstock::sim {

void DurableLog::started(const ReplicaView& view, bool /*intact*/) {
  seen_.erase({view.node, view.group});
  look(view);
}

void DurableLog::stepped(const ReplicaView& view) {
  // A disk that failed in the middle of a change: the process ends, and tells nobody.
  if (view.output != nullptr && view.output->fatal) return;
  const bool was_cut =
      view.output != nullptr && (view.output->truncated_to || view.output->was_reset);
  if (was_cut) seen_.erase({view.node, view.group});
  const auto known = seen_.find({view.node, view.group});
  if (known != seen_.end() && known->second.end == view.replica.durable_end()) return;
  look(view);
}

void DurableLog::look(const ReplicaView& view) {
  if (!view.intact) return;
  const std::string who = to_string(view.node) + " group " + std::to_string(view.group);
  const Offset durable = view.replica.durable_end();
  if (durable > view.replica.log_end()) {
    return violated(who + " calls its log durable up to " + std::to_string(durable.value()) +
                    ", it ends at " + std::to_string(view.replica.log_end().value()));
  }
  Place& place = seen_[{view.node, view.group}];
  if (place.end > durable) place = {};
  for (const auto& segment : view.replica.log().segments()) {
    if (segment.base < place.segment || segment.base >= durable) continue;
    if (segment.base > place.segment) place = {.segment = segment.base, .end = segment.base};
    if (!look_into(view, segment, place)) {
      return violated(who + " calls its log durable up to " + std::to_string(durable.value()) +
                      ", its disk has it up to " + std::to_string(place.end.value()));
    }
  }
  place.end = durable;  // an empty segment may follow
}

bool DurableLog::look_into(const ReplicaView& view, const storage::Log::SegmentInfo& segment,
                           Place& place) {
  const Offset until = std::min(view.replica.durable_end(), segment.end);
  const std::string path = Node::folder(view.group) + "/" +
                           storage::segment_file_name(segment.base, storage::SegmentFile::kLog);
  const Bytes bytes = view.disk->contents(path, place.position, segment.bytes);
  for (ByteView rest = bytes; place.end < until;) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch || batch->base_offset() != place.end) return false;
    const std::uint64_t next = place.position + batch->size();
    if (!view.disk->is_safe(path, place.position, next)) return false;
    place.position = next;
    place.end = batch->end_offset();
    rest = rest.subspan(batch->size());
  }
  return true;
}

}  // namespace penstock::sim
