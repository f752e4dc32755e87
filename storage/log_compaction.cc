// Key compaction as the log carries it out: what a pass may touch, and how a new segment takes the
// place of old ones.
//
// Order for each new segment: both its files are durable; once a pass, both slots of the checkpoint
// say that the log is rewritten up to the pass's end, and stand behind all that it touches; the log
// file is renamed, which is the commit; what was merged into it is removed; the side file is
// renamed. After a crash in between open() does the rest (compacted_segment.h).
#include <algorithm>
#include <utility>

#include "storage/log.h"
#include "storage/log_state.h"
#include "storage/retention.h"

namespace penstock::storage {
namespace {

CompactionSegment facts_of(const Segment& segment) {
  return {segment.base, segment.end(), segment.size(), segment.open.max_timestamp_ms,
          segment.open.appended_ms};
}

}  // namespace

// --- what may be touched

Status Log::State::may_compact() {
  take_findings();
  if (compaction_pass) return fail(Errc::kWouldBlock, dir + ": a pass is under way");
  PENSTOCK_TRY(accept_writes());
  if (damage.empty()) return {};
  return fail(Errc::kCorrupt, dir + ": not compacted while damaged: " + damage.front().reason);
}

std::vector<CompactionSource> Log::State::compaction_sources(
    const CompactionRequest& request) const {
  std::vector<CompactionSource> sources;
  std::vector<CompactionSegment> facts;
  for (const Segment& segment : segments) {
    // A checkpoint that is written later must not write to its side file any more.
    const bool is_settled = segment.sealed && !segment.index_due() && !segment.index_is_patched &&
                            segment.end() <= durable.segment_base;
    if (!is_settled) break;
    facts.push_back(facts_of(segment));
    IndexSource index = index_source(segment);
    index.log.reset();
    sources.push_back({facts.back(), segment.created, segment.index_version, std::move(index),
                       path_of(segment.base, SegmentFile::kLog)});
  }
  const Offset limit = std::min(request.limit, durable.end());
  sources.resize(count_compactable(facts, limit, request.min_lag_ms, clock.wall()));
  return sources;
}

Result<std::optional<CompactionTicket>> Log::begin_compaction(const CompactionRequest& request) {
  State& s = *state_;
  PENSTOCK_TRY(s.may_compact());
  std::vector<CompactionSource> sources = s.compaction_sources(request);
  if (sources.empty()) return std::nullopt;
  const Offset end = sources.back().facts.end;
  s.compaction.correct_clock(s.clock.wall());
  const Offset settled =
      std::min({settled_end(request.tombstone_delay_ms), request.tombstones_below, end});
  if (end <= s.compaction.clean_end && settled <= s.swept_below) return std::nullopt;

  GroupLimits limits{.max_bytes = s.segment_bytes(), .max_span_ms = std::nullopt};
  if (s.options.retention_ms) {
    limits.max_span_ms = *s.options.retention_ms / static_cast<std::int64_t>(kRetentionSteps);
  }
  s.compaction_pass =
      std::make_shared<CompactionPass>(CompactionJob{.env = &s.env,
                                                     .dir = s.dir,
                                                     .identity = s.identity,
                                                     .request = request,
                                                     .group_limits = limits,
                                                     .run_bytes = s.run_bytes(),
                                                     .log_start = s.log_start,
                                                     .clean_end = s.compaction.clean_end,
                                                     .tombstones_below = settled,
                                                     .sources = std::move(sources),
                                                     .findings = s.findings,
                                                     .cuts = s.cuts->load()});
  CompactionTicket ticket;
  ticket.pass_ = s.compaction_pass;
  return ticket;
}

// --- putting in place

std::optional<std::size_t> Log::State::find_group(const CompactionPass& pass,
                                                  const SegmentGroup& group) {
  const auto& sources = pass.job().sources;
  // Readers begin at the log start, and a batch that was joined meanwhile may reach across it.
  const bool start_moved_in = log_start != pass.job().log_start &&
                              log_start > sources[group.first].facts.base &&
                              log_start < sources[group.last].facts.end;
  if (start_moved_in) return std::nullopt;
  const auto first = std::ranges::find(segments, sources[group.first].facts.base, &Segment::base);
  if (static_cast<std::size_t>(segments.end() - first) <= group.last - group.first) {
    return std::nullopt;
  }
  for (std::size_t i = group.first; i <= group.last; ++i) {
    const Segment& segment = first[static_cast<std::ptrdiff_t>(i - group.first)];
    const bool is_same =
        segment.base == sources[i].facts.base && segment.end() == sources[i].facts.end &&
        segment.index_version == sources[i].index_version && segment.sealed && !segment.index_due();
    if (!is_same) return std::nullopt;
  }
  return static_cast<std::size_t>(first - segments.begin());
}

Status Log::State::announce(CompactionPass& pass) {
  if (pass.is_announced) return {};
  compaction.rewritten_end = std::max(compaction.rewritten_end, pass.end());
  PENSTOCK_TRY(store_checkpoint(Mark::kNone, Copies::kBothSlots));
  pass.is_announced = true;
  return {};
}

Result<CompactionProgress> Log::State::put_in_place(CompactionPass& pass) {
  const CompactionPass::Ready ready = *pass.ready();
  if (const Status announced = announce(pass); !announced) {
    static_cast<void>(give_up(pass));
    return fail(announced.error());
  }
  const auto index = find_group(pass, ready.group);
  if (!index) return give_up(pass);
  const auto first = segments.begin() + static_cast<std::ptrdiff_t>(*index);
  const auto last = first + static_cast<std::ptrdiff_t>(ready.group.last - ready.group.first);
  const Offset base = first->base;
  if (is_damaged(base, last->end())) {
    static_cast<void>(give_up(pass));
    return fail(Errc::kCorrupt, dir + ": damage was found while it was compacted");
  }
  if (const Status moved = fence_on(replace_log_file(env, dir, base)); !moved) {
    static_cast<void>(give_up(pass));
    return fail(moved.error());
  }
  Segment fresh = ready.segment;
  fresh.index_version = first->index_version + 1;
  std::uint64_t before = 0;
  std::vector<Offset> merged;
  for (auto segment = first; segment <= last; ++segment) {
    before += segment->size();
    if (segment != first) merged.push_back(segment->base);
  }
  *first = std::move(fresh);
  const std::uint64_t after = first->size();
  segments.erase(first + 1, last + 1);
  // Whoever reads in the old files finds what was true; what he says of them is void.
  pass.placed(++*cuts, before > after ? before - after : 0);
  PENSTOCK_TRY(fence_on(finish_replacing(env, dir, base, merged)));
  return CompactionProgress::kMore;
}

// What lies beside the log goes; a failure to remove it is left to the next pass or open. Of a log
// that is fenced nothing is touched: what its files mean is for open() to say.
Result<CompactionProgress> Log::State::give_up(CompactionPass& pass) {
  const auto base = pass.beside();
  if (base && !fenced) static_cast<void>(give_up_compacted(env, dir, *base));
  compaction_pass.reset();
  return CompactionProgress::kStale;
}

// Why the pass ended early. A segment may have gone with its time while it was read.
Result<CompactionProgress> Log::State::end_early(CompactionPass& pass, const Error& why) {
  if (pass.write_failed()) fenced = true;
  const Offset reading = pass.reading();
  static_cast<void>(give_up(pass));
  if (why.code() != Errc::kNotFound) return fail(why);
  const auto segment = std::ranges::find(segments, reading, &Segment::base);
  if (segment == segments.end()) return CompactionProgress::kStale;
  note_damage({segment->base, segment->end(), why.message()});
  return fail(Errc::kCorrupt, why.message());
}

Result<CompactionProgress> Log::complete_compaction(const CompactionTicket& ticket,
                                                    const Status& status) {
  State& s = *state_;
  s.take_findings();
  if (!ticket.pass_ || s.compaction_pass != ticket.pass_) return CompactionProgress::kStale;
  CompactionPass& pass = *ticket.pass_;
  if (s.closed || s.fenced || pass.job().cuts != s.cuts->load()) return s.give_up(pass);
  if (!status) return s.end_early(pass, status.error());
  if (pass.ready() != nullptr) {
    PENSTOCK_TRY_ASSIGN(const CompactionProgress placed, s.put_in_place(pass));
    if (placed == CompactionProgress::kStale) return placed;
  }
  if (!pass.is_done()) return CompactionProgress::kMore;
  s.compaction.completed(pass.mapped_end(), s.clock.wall());
  s.swept_below = std::max(s.swept_below, pass.job().tombstones_below);
  if (!s.dirty_since_ns && s.checkpoint_is_dirty()) s.dirty_since_ns = s.clock.steady_ns();
  s.compaction_pass.reset();
  return CompactionProgress::kDone;
}

// --- looking

const CompactionState& Log::compaction() const { return state_->compaction; }

Offset Log::settled_end(std::int64_t delay_ms) const {
  return state_->compaction.settled_end(delay_ms, state_->clock.wall());
}

Offset Log::swept_below() const { return state_->swept_below; }

std::uint64_t Log::dirty_bytes() const {
  std::uint64_t bytes = 0;
  for (const Segment& segment : state_->segments) {
    if (segment.sealed && segment.end() > state_->compaction.clean_end) bytes += segment.size();
  }
  return bytes;
}

Status Log::seal() {
  State& s = *state_;
  s.take_findings();
  PENSTOCK_TRY(s.accept_writes());
  if (s.segments.back().size() == 0) return {};
  PENSTOCK_TRY(s.roll());
  // When all of it is flushed, no flush follows that would lead the checkpoint out of it.
  PENSTOCK_TRY(s.move_durable_point_out_of(s.end));
  if (!s.dirty_since_ns && s.checkpoint_is_dirty()) s.dirty_since_ns = s.clock.steady_ns();
  return {};
}

}  // namespace penstock::storage
