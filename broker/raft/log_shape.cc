#include "broker/raft/log_shape.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"

namespace penstock::raft {
namespace {

// The runs of [begin, end) out of a list that covers it.
std::vector<TermRun> cut_runs(const std::vector<TermRun>& runs, Offset begin, Offset end) {
  std::vector<TermRun> cut;
  if (begin == end) return cut;
  auto run = std::ranges::upper_bound(runs, begin, {}, &TermRun::begin);
  PENSTOCK_ASSERT(run != runs.begin(), "a range begins inside the log");
  for (--run; run != runs.end() && run->begin < end; ++run) {
    cut.push_back({run->term, std::max(run->begin, begin)});
  }
  return cut;
}

}  // namespace

LogShape::LogShape(LogPoint start, std::vector<TermRun> runs, Offset end, Membership base,
                   std::vector<PlacedMembership> memberships)
    : start_(start),
      end_(end),
      durable_end_(end),
      runs_(std::move(runs)),
      base_(std::move(base)),
      memberships_(std::move(memberships)) {}

std::vector<TermRun>::const_iterator LogShape::run_of(Offset offset) const {
  PENSTOCK_ASSERT(start_.end <= offset && offset < end_, "the offset lies in the log");
  return std::prev(std::ranges::upper_bound(runs_, offset, {}, &TermRun::begin));
}

Term LogShape::term_at(Offset offset) const { return run_of(offset)->term; }

LogPoint LogShape::point_at(Offset end) const {
  if (end == start_.end) return start_;
  return {term_at(end - 1), end};
}

LogPoint LogShape::end_of_term(Term term) const {
  const auto later = std::ranges::upper_bound(runs_, term, {}, &TermRun::term);
  return point_at(later == runs_.end() ? end_ : later->begin);
}

bool LogShape::contains(const LogPoint& point) const {
  return start_.end <= point.end && point.end <= end_ && point_at(point.end) == point;
}

std::vector<TermRun> LogShape::runs_of(Offset begin, Offset end) const {
  PENSTOCK_ASSERT(start_.end <= begin && begin <= end && end <= end_, "the range is in the log");
  return cut_runs(runs_, begin, end);
}

std::optional<Offset> LogShape::first_difference(const EntryRange& range) const {
  const Offset begin = std::max(range.begin, start_.end);
  const Offset end = std::min(range.end, end_);
  if (begin >= end) return std::nullopt;
  const std::vector<TermRun> mine = cut_runs(runs_, begin, end);
  const std::vector<TermRun> theirs = cut_runs(range.runs, begin, end);
  for (std::size_t i = 0; i < std::min(mine.size(), theirs.size()); ++i) {
    if (mine[i].begin != theirs[i].begin) return std::min(mine[i].begin, theirs[i].begin);
    if (mine[i].term != theirs[i].term) return mine[i].begin;
  }
  if (mine.size() > theirs.size()) return mine[theirs.size()].begin;
  if (theirs.size() > mine.size()) return theirs[mine.size()].begin;
  return std::nullopt;
}

const Membership& LogShape::membership() const {
  return memberships_.empty() ? base_ : memberships_.back().membership;
}

Offset LogShape::membership_end() const {
  return memberships_.empty() ? start_.end : memberships_.back().at + 1;
}

const Membership& LogShape::membership_at(Offset end) const {
  const auto after = std::ranges::lower_bound(memberships_, end, {}, &PlacedMembership::at);
  return after == memberships_.begin() ? base_ : std::prev(after)->membership;
}

void LogShape::append(const EntryRange& range) {
  PENSTOCK_ASSERT(range.begin == end_, "a log grows at its end");
  for (const TermRun& run : range.runs) {
    if (runs_.empty() || runs_.back().term != run.term) runs_.push_back(run);
  }
  memberships_.insert(memberships_.end(), range.memberships.begin(), range.memberships.end());
  end_ = range.end;
}

void LogShape::truncate(Offset to) {
  PENSTOCK_ASSERT(start_.end <= to && to <= end_, "a truncation lies in the log");
  std::erase_if(runs_, [to](const TermRun& run) { return run.begin >= to; });
  if (!mutant(Mutant::kMembershipOutlivesCut)) {
    std::erase_if(memberships_, [to](const PlacedMembership& placed) { return placed.at >= to; });
  }
  end_ = to;
  durable_end_ = std::min(durable_end_, to);
  ++version_;
}

void LogShape::reset(const LogPoint& start, Membership membership) {
  start_ = start;
  end_ = start.end;
  durable_end_ = start.end;
  if (!mutant(Mutant::kResetKeepsTerms)) runs_.clear();
  memberships_.clear();
  base_ = std::move(membership);
  ++version_;
}

void LogShape::trim(Offset to) {
  PENSTOCK_ASSERT(start_.end <= to && to <= end_, "a trim lies in the log");
  const LogPoint start = point_at(to);
  Membership base = membership_at(to);
  runs_ = cut_runs(runs_, to, end_);
  std::erase_if(memberships_, [to](const PlacedMembership& placed) { return placed.at < to; });
  base_ = std::move(base);
  start_ = start;
  durable_end_ = std::max(durable_end_, to);
}

bool LogShape::set_durable(Offset end) {
  const Offset reached = std::min(end, end_);
  if (reached <= durable_end_) return false;
  durable_end_ = reached;
  return true;
}

EntryRange tail_of(const EntryRange& range, Offset from) {
  PENSTOCK_ASSERT(range.begin <= from && from <= range.end, "a tail begins inside the range");
  EntryRange tail{.begin = from,
                  .end = range.end,
                  .runs = cut_runs(range.runs, from, range.end),
                  .memberships = {},
                  .bytes = range.bytes};
  std::ranges::copy_if(range.memberships, std::back_inserter(tail.memberships),
                       [from](const PlacedMembership& placed) { return placed.at >= from; });
  return tail;
}

}  // namespace penstock::raft
