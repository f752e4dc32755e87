#include "tests/broker/raft/scenario_log.h"

#include <algorithm>

namespace penstock::raft {

bool LogImage::is_boundary(Offset offset) const {
  return offset == start.end || ending_at(offset) != nullptr;
}

const ScenarioBatch* LogImage::ending_at(Offset end) const {
  const auto found = std::ranges::find(batches, end, &ScenarioBatch::end);
  return found == batches.end() ? nullptr : &*found;
}

std::vector<ScenarioBatch> LogImage::between(Offset from, Offset to) const {
  std::vector<ScenarioBatch> found;
  for (const ScenarioBatch& batch : batches) {
    if (batch.begin >= from && batch.end <= to) found.push_back(batch);
  }
  return found;
}

void LogImage::cut(Offset end) {
  std::erase_if(batches, [end](const ScenarioBatch& batch) { return batch.end > end; });
}

void LogImage::drop_below(Offset begin) {
  for (const ScenarioBatch& batch : batches) {
    if (batch.end > begin) break;
    start = {batch.term, batch.end};
    if (batch.membership) base = *batch.membership;
  }
  std::erase_if(batches, [begin](const ScenarioBatch& batch) { return batch.end <= begin; });
}

bool LogImage::holds(const ScenarioBatch& batch) const {
  if (batch.end <= start.end) return true;
  const ScenarioBatch* const own = ending_at(batch.end);
  return own != nullptr && *own == batch;
}

Restored LogImage::restored(const HardState& hard_state, Offset damaged_until) const {
  const EntryRange range = range_of(start.end, batches);
  return {.hard_state = hard_state,
          .start = start,
          .runs = range.runs,
          .end = range.end,
          .base_membership = base,
          .memberships = range.memberships,
          .committed = start.end,
          .damaged_until = damaged_until};
}

std::string LogImage::to_string() const {
  const EntryRange range = range_of(start.end, batches);
  std::string text =
      "[" + std::to_string(start.end.value()) + ", " + std::to_string(range.end.value()) + ")";
  for (std::size_t i = 0; i < range.runs.size(); ++i) {
    const Offset run_end = i + 1 < range.runs.size() ? range.runs[i + 1].begin : range.end;
    text += " t" + std::to_string(range.runs[i].term.value()) + ":[" +
            std::to_string(range.runs[i].begin.value()) + ", " + std::to_string(run_end.value()) +
            ")";
  }
  for (const PlacedMembership& placed : range.memberships) {
    text += " {" + raft::to_string(placed.membership) + "}@" + std::to_string(placed.at.value());
  }
  return text;
}

EntryRange range_of(Offset begin, const std::vector<ScenarioBatch>& batches) {
  EntryRange range{.begin = begin, .end = begin, .runs = {}, .memberships = {}, .bytes = 0};
  for (const ScenarioBatch& batch : batches) {
    if (range.runs.empty() || range.runs.back().term != batch.term) {
      range.runs.push_back({batch.term, batch.begin});
    }
    if (batch.membership) range.memberships.push_back({batch.begin, *batch.membership});
    range.end = batch.end;
    range.bytes += batch.bytes;
  }
  return range;
}

Offset common_end(const LogImage& a, const LogImage& b) {
  Offset end = std::max(a.start.end, b.start.end);
  if (end > a.end() || end > b.end()) return std::min(a.end(), b.end());
  for (const ScenarioBatch& batch : a.batches) {
    if (batch.end <= end) continue;
    if (!b.holds(batch)) break;
    end = batch.end;
  }
  return end;
}

}  // namespace penstock::raft
