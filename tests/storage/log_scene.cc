#include "tests/storage/log_scene.h"

#include <algorithm>

#include "protocol/record/batch.h"
#include "protocol/record/builder.h"

namespace penstock::storage {

Bytes make_batch(int records, std::size_t value_bytes, Timestamp first, std::uint64_t salt) {
  record::BatchBuilder builder;
  Rng rng(salt);
  for (int i = 0; i < records; ++i) {
    Bytes value(value_bytes);
    for (std::byte& b : value) b = static_cast<std::byte>(rng.next());
    builder.append(Timestamp(first.ms() + i), as_bytes("key"), ByteView(value));
  }
  return *builder.build();
}

LogOptions small_segments() {
  return LogOptions{.segment_bytes = 6000,
                    .retention_ms = std::nullopt,
                    .retention_bytes = std::nullopt,
                    .index_interval_bytes = 700};
}

LogScene::LogScene(std::uint64_t seed) : env(std::make_unique<fakes::FakeEnv>()), rng(seed) {
  identity.partition.topic.bytes[0] = std::byte{0x42};
  identity.partition.partition = PartitionId(3);
  // The log makes its own folder durable; what that lies in is somebody else's.
  static_cast<void>(env->create_dirs("/data"));
  static_cast<void>(env->sync_dir("/"));
}

LogScene::LogScene(const LogScene& other, std::uint64_t seed)
    : env(other.env->clone()),
      clock(other.clock.wall()),
      rng(seed),
      uniform(other.uniform),
      options(other.options),
      identity(other.identity),
      appended(other.appended),
      acknowledged(other.acknowledged),
      must_start(other.must_start),
      may_start(other.may_start),
      origin(other.origin) {}

Status LogScene::open() {
  log.reset();
  PENSTOCK_TRY_ASSIGN(Log::Opened opened, Log::open(*env, clock, kLogDir, identity, options));
  log = std::move(opened.log);
  report = std::move(opened.report);
  if (asked_origin && log->log_start() == asked_origin->start &&
      log->log_end() == asked_origin->start && log->start_term() == asked_origin->before) {
    begin_anew(*asked_origin);
  }
  asked_origin.reset();
  return {};
}

void LogScene::crash(fakes::Survives survives) {
  log.reset();
  env->crash(survives, rng);
}

Status LogScene::append(int batches, Term epoch) {
  for (int i = 0; i < batches;) {
    clock.advance_ms(1);
    Bytes bytes;
    const int together = rng.one_in(4) ? 2 : 1;
    for (int k = 0; k < together && i < batches; ++k, ++i) {
      const int records = uniform ? 1 : 1 + static_cast<int>(rng.below(4));
      const std::size_t value_bytes = uniform ? 80 : 1 + rng.below(200);
      const Bytes batch = make_batch(records, value_bytes, clock.wall(), rng.next());
      bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
    PENSTOCK_TRY(append_bytes(std::move(bytes), epoch));
  }
  return {};
}

Status LogScene::append_bytes(Bytes batches, Term epoch) {
  const auto info = log->append(batches, epoch);
  if (!info && info.error().outcome() == Outcome::kNotDone) return fail(info.error());
  remember(batches, info ? appended : maybe);
  if (!info) return fail(info.error());
  return {};
}

Status LogScene::append_assigned(Bytes batches, Term epoch) {
  Offset next = log->log_end();
  for (MutableByteView rest = batches; !rest.empty();) {
    const std::size_t size = *record::BatchView::total_size(rest);
    record::assign_position(rest.first(size), next, epoch);
    next = record::BatchView::parse(rest)->end_offset();
    rest = rest.subspan(size);
  }
  const auto info = log->append_assigned(batches);
  if (!info && info.error().outcome() == Outcome::kNotDone) return fail(info.error());
  remember(batches, info ? appended : maybe);
  if (!info) return fail(info.error());
  return {};
}

void LogScene::remember(ByteView batches, std::map<Offset, Bytes>& in) {
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    in[batch->base_offset()] =
        Bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(batch->size()));
    rest = rest.subspan(batch->size());
  }
}

Status LogScene::flush() {
  PENSTOCK_TRY(log->flush());
  acknowledged = std::max(acknowledged, log->durable_end());
  return {};
}

Status LogScene::checkpoint() {
  const CheckpointTicket ticket = log->begin_checkpoint();
  const Status status = ticket.run();
  log->complete_checkpoint(ticket, status);
  return status;
}

Status LogScene::close() {
  PENSTOCK_TRY(log->close());
  acknowledged = log->durable_end();
  log.reset();
  return {};
}

Status LogScene::truncate_suffix(Offset from) {
  // Until it returns, either end may be found after a crash.
  const Offset before = acknowledged;
  acknowledged = std::min(acknowledged, from);
  const Status status = log->truncate_suffix(from);
  if (status) {
    appended.erase(appended.lower_bound(from), appended.end());
    maybe.clear();
    acknowledged = log->durable_end();
  } else if (!log->fenced()) {
    acknowledged = before;
  }
  return status;
}

Status LogScene::truncate_prefix(Offset to) {
  may_start = std::max(may_start, to);  // even when it fails
  PENSTOCK_TRY(log->truncate_prefix(to));
  must_start = std::max(must_start, to);
  return {};
}

Status LogScene::reset_to(Offset start, Term before) {
  // Until it returns, either log may be found. A fenced log refuses, and an earlier attempt counts.
  if (!log->fenced()) asked_origin = Origin{start, before};
  PENSTOCK_TRY(log->reset_to(start, before));
  begin_anew({start, before});
  return {};
}

void LogScene::begin_anew(const Origin& at) {
  origin = at;
  asked_origin.reset();
  appended.clear();
  maybe.clear();
  acknowledged = must_start = may_start = at.start;
}

Status LogScene::retain() {
  const Offset highest = log->durable_end();
  const auto freed = log->apply_retention();
  may_start = std::max(may_start, freed ? log->log_start() : highest);
  if (!freed) return fail(freed.error());
  must_start = log->log_start();
  return {};
}

namespace {

std::string text(Offset offset) { return std::to_string(offset.value()); }

}  // namespace

std::string LogScene::check(std::int64_t* damaged_records) {
  if (log->log_start() > may_start || log->log_start() < must_start) {
    return "starts at " + text(log->log_start()) + ", not between " + text(must_start) + " and " +
           text(may_start);
  }
  if (log->durable_end() < acknowledged) {
    return "ends at " + text(log->durable_end()) + ", acknowledged up to " + text(acknowledged);
  }
  Offset at = log->log_start();
  while (at < log->log_end()) {
    const auto read = log->read(at, 1000, ReadUpTo::kEnd);
    if (!read) {
      if (read.error().code() != Errc::kCorrupt) return "read: " + read.error().to_string();
      // Honest: the range is named. Go on behind it.
      const auto& damage = log->damage();
      const auto range = std::ranges::find_if(
          damage, [&](const auto& found) { return found.begin <= at && at < found.end; });
      if (range == damage.end()) return "corrupt at " + text(at) + ", but not in damage()";
      if (damaged_records != nullptr) *damaged_records += range->end - at;
      at = range->end;
      continue;
    }
    if (read->batch_count == 0 || read->next <= at) return "read stands still at " + text(at);
    for (ByteView rest = read->batches.view(); !rest.empty();) {
      const auto batch = record::BatchView::parse(rest);
      if (!batch) return "no batch at " + text(at);
      if (batch->end_offset() <= at) return "a batch before " + text(at);
      const auto promised = appended.find(batch->base_offset());
      const auto possible = maybe.find(batch->base_offset());
      if (possible != maybe.end() && equal(possible->second, batch->bytes())) {
        // Neither promised nor refused, and now known to have happened.
        appended[batch->base_offset()] = possible->second;
      } else if (promised == appended.end()) {
        return "phantom at " + text(batch->base_offset());
      } else if (!equal(promised->second, batch->bytes())) {
        return "altered at " + text(at);
      }
      at = batch->end_offset();
      rest = rest.subspan(batch->size());
    }
    if (at != read->next) return "next is " + text(read->next) + " after " + text(at);
  }
  return {};
}

void LogScene::accept_end() {
  const Offset end = log->log_end();
  appended.erase(appended.lower_bound(end), appended.end());
  maybe.clear();
  asked_origin.reset();
  must_start = may_start = log->log_start();
  acknowledged = log->durable_end();
}

std::vector<Offset> LogScene::boundaries() const {
  std::vector<Offset> all;
  for (const auto& [base, batch] : appended) {
    if (base >= log->log_start() && base <= log->log_end()) all.push_back(base);
  }
  all.push_back(log->log_end());
  return all;
}

}  // namespace penstock::storage
