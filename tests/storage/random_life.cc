#include "tests/storage/random_life.h"

#include <algorithm>

#include "protocol/record/record.h"
#include "storage/run.h"

namespace penstock::storage {

RandomLife::RandomLife(std::uint64_t seed) : scene(seed) { scene.options.segment_ms = 60'000; }

void RandomLife::forget_tickets() {
  flush_.reset();
  checkpoint_.reset();
}

Offset RandomLife::random_boundary() {
  const auto all = scene.boundaries();
  return all[scene.rng.below(all.size())];
}

Status RandomLife::append() {
  if (scene.rng.one_in(8)) ++epoch_;
  epoch_ = std::max(epoch_, scene.log->last_epoch().value());
  if (scene.rng.one_in(4)) {
    const Bytes batch = make_batch(1 + static_cast<int>(scene.rng.below(4)),
                                   1 + scene.rng.below(200), scene.clock.wall(), scene.rng.next());
    return scene.append_assigned(batch, Term(epoch_));
  }
  return scene.append(1 + static_cast<int>(scene.rng.below(4)), Term(epoch_));
}

// To anywhere: into the log, onto the beginning of one of its segments, ahead of it, and far ahead.
Status RandomLife::reset() {
  Rng& rng = scene.rng;
  Offset start = random_boundary();
  const auto segments = scene.log->segments();
  switch (rng.below(4)) {
    case 0:
      if (!segments.empty()) start = segments[rng.below(segments.size())].base;
      break;
    case 1:
      start = scene.log->log_end() + static_cast<std::int64_t>(rng.below(1000));
      break;
    case 2:
      start = scene.log->log_end() + (std::int64_t{1} << 33);
      break;
    default:
      break;
  }
  const auto before = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(epoch_) + 1));
  return scene.reset_to(start, Term(before));
}

// A flush whose parts lie apart, with other operations in between.
Status RandomLife::begin_or_complete_flush() {
  if (!flush_) {
    const FlushTicket ticket = scene.log->begin_flush();
    flush_ = Pending{ticket, ticket.run(), scene.log->log_end()};
    return {};
  }
  const Status status = flush_->status;
  scene.log->complete_flush(flush_->ticket, status);
  flush_.reset();
  if (status) scene.acknowledged = std::max(scene.acknowledged, scene.log->durable_end());
  return status;
}

Status RandomLife::begin_or_complete_checkpoint() {
  if (!checkpoint_) {
    const CheckpointTicket ticket = scene.log->begin_checkpoint();
    checkpoint_ = {ticket, ticket.run()};
    return {};
  }
  const auto [ticket, status] = *checkpoint_;
  scene.log->complete_checkpoint(ticket, status);
  checkpoint_.reset();
  return status;
}

Status RandomLife::step() {
  Rng& rng = scene.rng;
  const std::uint64_t draw = rng.below(100);
  if (draw < 45) {
    doing_ = "append";
    return append();
  }
  if (draw < 60) {
    doing_ = "flush";
    return scene.flush();
  }
  if (draw < 70) {
    doing_ = "flush in parts";
    return begin_or_complete_flush();
  }
  if (draw < 78) {
    doing_ = "checkpoint in parts";
    return begin_or_complete_checkpoint();
  }
  if (draw < 84) {
    doing_ = "truncate suffix";
    return scene.truncate_suffix(random_boundary());
  }
  if (draw < 88) {
    doing_ = "truncate prefix";
    const std::int64_t span = scene.log->durable_end() - scene.log->log_start();
    const auto ahead = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(span) + 1));
    return scene.truncate_prefix(scene.log->log_start() + (rng.one_in(4) ? span : ahead / 2));
  }
  if (draw < 92) {
    doing_ = "retention by size";
    LogOptions options = scene.options;
    options.retention_bytes = 2000 + rng.below(20'000);
    scene.log->set_options(options);
    const Status status = scene.retain();
    scene.log->set_options(scene.options);
    return status;
  }
  if (draw < 94) {
    doing_ = "retention by age";
    LogOptions options = scene.options;
    options.retention_ms = static_cast<std::int64_t>(rng.below(200));
    scene.log->set_options(options);
    const Status status = scene.retain();
    scene.log->set_options(scene.options);
    return status;
  }
  if (draw < 95) {
    doing_ = "reset";
    return reset();
  }
  if (draw < 96) {
    doing_ = "let the segment grow old";
    scene.clock.advance_ms(61'000);
    return {};
  }
  doing_ = "close and open";
  forget_tickets();
  PENSTOCK_TRY(scene.close());
  return scene.open();
}

namespace {

struct Model {
  std::optional<TimestampOffset> first_at;
  std::optional<TimestampOffset> largest;
  std::uint64_t digest = 0;
};

Model look_up(const LogScene& scene, Timestamp at) {
  Model model;
  const Log& log = *scene.log;
  const auto segments = log.segments();
  for (const auto& [base, bytes] : scene.appended) {
    const auto batch = record::BatchView::parse(bytes);
    if (base >= log.log_end() || segments.empty() || base < segments.front().base) continue;
    model.digest += header_hash(*batch);
    auto records = record::Records::open(*batch);
    while (const auto next = records->next()) {
      if (!*next) break;
      const record::RecordView& record = **next;
      if (record.offset < log.log_start() || record.offset >= log.durable_end()) continue;
      const TimestampOffset found{record.timestamp, record.offset};
      if (!model.first_at && record.timestamp >= at) model.first_at = found;
      if (!model.largest || record.timestamp > model.largest->timestamp) model.largest = found;
    }
  }
  return model;
}

std::string text(const std::optional<TimestampOffset>& found) {
  if (!found) return "none";
  return std::to_string(found->offset.value()) + "@" + std::to_string(found->timestamp.ms());
}

}  // namespace

std::string RandomLife::compare_lookups() {
  const Timestamp at(scene.clock.wall().ms() - static_cast<std::int64_t>(scene.rng.below(3000)));
  const Model model = look_up(scene, at);
  const auto first_at = scene.log->find_timestamp(at);
  if (!first_at) return "find_timestamp: " + first_at.error().to_string();
  if (text(*first_at) != text(model.first_at)) {
    return "find_timestamp gives " + text(*first_at) + ", the model " + text(model.first_at);
  }
  const auto largest = scene.log->max_timestamp();
  if (!largest) return "max_timestamp: " + largest.error().to_string();
  if (text(*largest) != text(model.largest)) {
    return "max_timestamp gives " + text(*largest) + ", the model " + text(model.largest);
  }
  const auto digest = scene.log->digest(scene.log->log_end());
  if (!digest) return "digest: " + digest.error().to_string();
  if (*digest != model.digest) return "digest differs";
  if (std::string wrong = compare_digests(); !wrong.empty()) return wrong;
  return compare_terms();
}

std::string RandomLife::compare_digests() {
  Offset begin = random_boundary();
  Offset end = random_boundary();
  if (begin > end) std::swap(begin, end);
  // The log may begin inside of the first batch.
  begin = std::max(begin, scene.log->log_start());
  end = std::max(end, begin);
  std::uint64_t sum = 0;
  for (const auto& [base, bytes] : scene.appended) {
    if (base >= begin && base < end) sum += header_hash(*record::BatchView::parse(bytes));
  }
  const auto digest = scene.log->digest(begin, end);
  if (!digest) return "digest of a range: " + digest.error().to_string();
  return *digest == sum ? "" : "digest of a range differs";
}

namespace {

// The batch that holds `offset`.
std::optional<record::BatchView> batch_at(const LogScene& scene, Offset offset) {
  const auto behind = scene.appended.upper_bound(offset);
  if (behind == scene.appended.begin()) return std::nullopt;
  const auto batch = record::BatchView::parse(std::prev(behind)->second);
  return offset < batch->end_offset() ? std::optional(*batch) : std::nullopt;
}

Term model_start_term(const LogScene& scene) {
  const Offset start = scene.log->log_start();
  if (start == scene.origin.start) return scene.origin.before;
  const auto batch = batch_at(scene, start - 1);
  return batch ? batch->leader_epoch() : Term();
}

std::vector<TermStart> model_terms(const LogScene& scene) {
  std::vector<TermStart> terms;
  Offset at = scene.log->log_start();
  while (at < scene.log->log_end()) {
    const auto batch = batch_at(scene, at);
    if (!batch) return {};
    if (terms.empty() || terms.back().term != batch->leader_epoch()) {
      terms.push_back({batch->leader_epoch(), at});
    }
    at = batch->end_offset();
  }
  return terms;
}

std::string text(const std::vector<TermStart>& terms) {
  std::string all;
  for (const TermStart& start : terms) {
    all += " " + std::to_string(start.term.value()) + "@" + std::to_string(start.begin.value());
  }
  return all;
}

}  // namespace

std::string RandomLife::compare_terms() {
  Log& log = *scene.log;
  const Term before = model_start_term(scene);
  if (log.start_term() != before) {
    return "the term before the start is " + std::to_string(log.start_term().value()) +
           ", in the model " + std::to_string(before.value());
  }
  const std::vector<TermStart> model = model_terms(scene);
  const auto terms = log.terms();
  if (!terms) return "terms: " + terms.error().to_string();
  if (*terms != model) return "terms are" + text(*terms) + ", in the model" + text(model);
  const Term last = model.empty() ? before : model.back().term;
  if (log.last_epoch() != last) return "the last term differs";

  const auto span = static_cast<std::uint64_t>(log.log_end() - log.log_start());
  const Offset at = log.log_start() - 1 + static_cast<std::int64_t>(scene.rng.below(span + 1));
  const auto term = log.term_at(at);
  if (!term) return "term_at: " + term.error().to_string();
  const Term expected = at < log.log_start() ? before : batch_at(scene, at)->leader_epoch();
  if (*term != expected) return "term_at(" + std::to_string(at.value()) + ") differs";

  const Term asked(
      static_cast<std::int32_t>(scene.rng.below(static_cast<std::uint64_t>(epoch_) + 2)));
  std::optional<TermEnd> end;
  if (before <= asked && (before != Term() || log.log_start() == Offset(0))) {
    end = TermEnd{before, log.log_start()};
  }
  for (std::size_t i = 0; i < model.size() && model[i].term <= asked; ++i) {
    end = TermEnd{model[i].term, i + 1 < model.size() ? model[i + 1].begin : log.log_end()};
  }
  const auto found = log.end_of_term(asked);
  if (found.has_value() != end.has_value() || (end && *found != *end)) {
    return "end_of_term(" + std::to_string(asked.value()) + ") differs";
  }
  return {};
}

}  // namespace penstock::storage
