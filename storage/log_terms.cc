// Terms: who led when what was appended; told from the runs, each of which has one.
#include <algorithm>

#include "storage/log.h"
#include "storage/log_state.h"

namespace penstock::storage {

Term Log::start_term() const { return state_->start_term; }

Term Log::last_epoch() const { return state_->last_epoch(); }

Term Log::State::last_epoch() const {
  return segments.empty() ? durable.epoch() : Term(segments.back().open.last_epoch);
}

Term Log::State::term_before(const Segment& segment) const {
  if (segment.base <= log_start || &segment == &segments.front()) return start_term;
  return Term((&segment - 1)->open.last_epoch);
}

Result<Term> Log::State::term_at(Offset offset) {
  if (offset < log_start - 1 || offset >= end) {
    return fail(Errc::kOffsetOutOfRange,
                "no record at offset " + std::to_string(offset.value()) + " of the log");
  }
  if (offset < log_start) return start_term;
  const auto corrupt = [&](const std::string& why) {
    return fail(Errc::kCorrupt, "offset " + std::to_string(offset.value()) + ": " + why);
  };
  if (const auto* range = damage_at(offset)) return corrupt(range->reason);
  const auto segment = segment_of(offset);
  if (segment == segments.end() || offset >= segment->end()) {
    return corrupt(dir + ": no segment holds it");
  }
  const Term last(segment->open.last_epoch);
  const bool is_last = offset == segment->end() - 1;
  if (last != Term() && (is_last || last == term_before(*segment))) return last;
  PENSTOCK_TRY(load(*segment));
  for (const Run& run : runs_of(*segment)) {
    if (segment->base + run.base_delta <= offset && offset < segment->base + run.end_delta) {
      return Term(run.last_epoch);
    }
  }
  return corrupt(dir + ": no index entry leads to it");
}

Result<Term> Log::term_at(Offset offset) {
  state_->take_findings();
  return state_->term_at(offset);
}

Result<Term> Log::State::term_below(Offset to) {
  if (to == end) return last_epoch();
  auto term = term_at(to - 1);
  if (!term && term.error().code() == Errc::kCorrupt) return Term();
  return term;
}

Result<std::vector<TermStart>> Log::terms() {
  State& s = *state_;
  s.take_findings();
  std::vector<TermStart> found;
  const auto add = [&](Term term, Offset begin) {
    if (!found.empty() && found.back().term == term) return;
    found.push_back({term, found.empty() ? s.log_start : begin});
  };
  for (Segment& segment : s.segments) {
    if (segment.end() <= s.log_start || segment.size() == 0) continue;
    const Term last(segment.open.last_epoch);
    const Term before = found.empty() ? s.start_term : found.back().term;
    if (last == before && last != Term()) {
      add(last, segment.base);
      continue;
    }
    PENSTOCK_TRY(s.load(segment));
    for (const Run& run : s.runs_of(segment)) {
      if (segment.base + run.end_delta > s.log_start) {
        add(Term(run.last_epoch), segment.base + run.base_delta);
      }
    }
  }
  if (found.empty() && s.log_start < s.end) {
    found.push_back({std::max(s.start_term, Term(0)), s.log_start});
  }
  const auto falls = std::ranges::adjacent_find(
      found, [](const TermStart& a, const TermStart& b) { return a.term >= b.term; });
  if (falls != found.end()) {
    return fail(Errc::kCorrupt, s.dir + ": term " + std::to_string(std::next(falls)->term.value()) +
                                    " at offset " +
                                    std::to_string(std::next(falls)->begin.value()) +
                                    " after term " + std::to_string(falls->term.value()));
  }
  return found;
}

Result<TermEnd> Log::end_of_term(Term term) {
  const State& s = *state_;
  if (const Term last = last_epoch(); term >= last) return TermEnd{last, s.end};
  PENSTOCK_TRY_ASSIGN(const std::vector<TermStart> all, terms());
  const auto above = std::ranges::upper_bound(all, term, {}, &TermStart::term);
  if (above != all.begin()) {
    return TermEnd{std::prev(above)->term, above == all.end() ? s.end : above->begin};
  }
  const bool start_is_known = s.start_term != Term() || s.log_start == Offset(0);
  if (start_is_known && s.start_term <= term) return TermEnd{s.start_term, s.log_start};
  return fail(Errc::kOffsetOutOfRange, "term " + std::to_string(term.value()) +
                                           " ended below the log start " +
                                           std::to_string(s.log_start.value()));
}

}  // namespace penstock::storage
