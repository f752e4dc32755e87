#include "storage/compaction_state.h"

#include <algorithm>
#include <iterator>

#include "base/coding.h"

namespace penstock::storage {
namespace {

namespace at {
constexpr std::size_t kCleanEnd = 0;
constexpr std::size_t kRewrittenEnd = 8;
constexpr std::size_t kMarkCount = 16;
constexpr std::size_t kMarks = 20;
}  // namespace at
constexpr std::size_t kMarkBytes = 16;
static_assert(at::kMarks + kMaxCompactionMarks * kMarkBytes == kCompactionStateBytes);

bool is_possible(const CompactionState& state) {
  Offset end(0);
  for (const CompactionMark& mark : state.marks) {
    if (mark.end <= end || mark.end > state.clean_end) return false;
    end = mark.end;
  }
  return state.clean_end >= Offset(0) && state.rewritten_end >= Offset(0);
}

}  // namespace

void CompactionState::completed(Offset end, Timestamp now) {
  clean_end = std::max(clean_end, end);
  if (!marks.empty() && marks.back().end >= end) return;
  if (!marks.empty()) now = std::max(now, marks.back().completed);
  marks.push_back({end, now});
  if (marks.size() <= kMaxCompactionMarks) return;
  auto closest = marks.begin();
  for (auto mark = marks.begin(); std::next(mark) != marks.end(); ++mark) {
    const auto gap = [](auto of) { return std::next(of)->completed.ms() - of->completed.ms(); };
    if (gap(mark) < gap(closest)) closest = mark;
  }
  marks.erase(closest);
}

Offset CompactionState::settled_end(std::int64_t delay_ms, Timestamp now) const {
  Offset end(0);
  for (const CompactionMark& mark : marks) {
    if (now.ms() - mark.completed.ms() >= delay_ms) end = mark.end;
  }
  return end;
}

void CompactionState::cut(Offset end) {
  clean_end = std::min(clean_end, end);
  rewritten_end = std::min(rewritten_end, end);
  for (CompactionMark& mark : marks) mark.end = std::min(mark.end, end);
  // Of those that became equal the first one: it was as good that early.
  const auto same = std::ranges::unique(marks, {}, &CompactionMark::end);
  marks.erase(same.begin(), same.end());
  std::erase_if(marks, [](const CompactionMark& mark) { return mark.end <= Offset(0); });
}

void CompactionState::correct_clock(Timestamp now) {
  for (CompactionMark& mark : marks) mark.completed = std::min(mark.completed, now);
}

void encode_compaction(const CompactionState& state, std::byte* to) {
  store_le(to + at::kCleanEnd, state.clean_end.value());
  store_le(to + at::kRewrittenEnd, state.rewritten_end.value());
  const std::size_t count = std::min(state.marks.size(), kMaxCompactionMarks);
  store_le(to + at::kMarkCount, static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* const mark = to + at::kMarks + i * kMarkBytes;
    store_le(mark, state.marks[i].end.value());
    store_le(mark + sizeof(std::int64_t), state.marks[i].completed.ms());
  }
}

CompactionState decode_compaction(const std::byte* from) {
  CompactionState state;
  state.clean_end = Offset(load_le<std::int64_t>(from + at::kCleanEnd));
  state.rewritten_end = Offset(load_le<std::int64_t>(from + at::kRewrittenEnd));
  const auto count = load_le<std::uint32_t>(from + at::kMarkCount);
  for (std::size_t i = 0; i < std::min<std::size_t>(count, kMaxCompactionMarks); ++i) {
    const std::byte* const mark = from + at::kMarks + i * kMarkBytes;
    state.marks.push_back({Offset(load_le<std::int64_t>(mark)),
                           Timestamp(load_le<std::int64_t>(mark + sizeof(std::int64_t)))});
  }
  return is_possible(state) ? state : CompactionState{};
}

}  // namespace penstock::storage
