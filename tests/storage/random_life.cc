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
  return scene.append(1 + static_cast<int>(scene.rng.below(4)), Term(epoch_));
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
  return {};
}

}  // namespace penstock::storage
