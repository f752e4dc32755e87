#include "archiver/archive_worker.h"

#include <algorithm>
#include <limits>

#include "base/log.h"

namespace penstock::archiver {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
// Stands for a topic as a whole where a partition is named.
constexpr std::int32_t kWholeTopic = -1;
// Target of a partition that could not be read at the start.
constexpr Offset kNotKnownYet(std::numeric_limits<std::int64_t>::max());

}  // namespace

ArchiveWorker::ArchiveWorker(const WorkerParts& parts, WorkerOptions options)
    : parts_(parts),
      options_(std::move(options)),
      gate_(parts.observer),
      next_discovery_ns_(parts.clock.steady_ns()) {}

Result<std::unique_ptr<ArchiveWorker>> ArchiveWorker::open(const WorkerParts& parts,
                                                           WorkerOptions options) {
  PENSTOCK_TRY(options.roll.check());
  if (options.sql_memory_limit_mb < kMinWorkerSqlMb) {
    return fail(Errc::kInvalidArgument, "the SQL engine of a worker needs at least " +
                                            std::to_string(kMinWorkerSqlMb) + " MiB");
  }
  PENSTOCK_TRY(engine::check_path(options.work_dir));
  std::unique_ptr<ArchiveWorker> worker(new ArchiveWorker(parts, std::move(options)));
  const WorkerOptions& settings = worker->options_;
  PENSTOCK_TRY_ASSIGN(worker->work_lock_, parts.env.lock(settings.work_dir + "/@work-lock"));
  PENSTOCK_TRY(remove_work_files(parts.env, settings.work_dir));
  PENSTOCK_TRY_ASSIGN(worker->database_,
                      engine::Database::open({.memory_limit_mb = settings.sql_memory_limit_mb,
                                              .threads = 1,
                                              .temporary_dir = settings.work_dir + "/sql"}));
  PENSTOCK_TRY_ASSIGN(worker->sql_, worker->database_->connect());
  return worker;
}

PartitionTools ArchiveWorker::tools() {
  return {.store = parts_.store,
          .env = parts_.env,
          .clock = parts_.clock,
          .sql = *sql_,
          .gate = gate_,
          .work_dir = options_.work_dir};
}

Result<WorkerSummary> ArchiveWorker::run() {
  while (!stopping_.load() && !finished()) PENSTOCK_TRY(step());
  if (!finished() && options_.on_stop == OnStop::kArchiveOpenChunks) PENSTOCK_TRY(roll_all());
  const WorkerSummary done = summary();
  partitions_.clear();
  if (const Status removed = remove_work_files(parts_.env, options_.work_dir); !removed) {
    logger("archiver").warn("work files stay until the next start: {}", removed.error().message());
  }
  return done;
}

Status ArchiveWorker::step() {
  if (parts_.clock.steady_ns() >= next_discovery_ns_) PENSTOCK_TRY(discover());
  if (assignment_stale_) assign_all();
  PENSTOCK_TRY(read());
  return roll_due();
}

bool ArchiveWorker::reached(const Key& key, Offset target) const {
  if (const auto worker = partitions_.find(key); worker != partitions_.end()) {
    return worker->second.archive().end() >= target;
  }
  const auto refusal = refused_.find(key);
  return refusal != refused_.end() && !refusal->second.error.retriable();
}

bool ArchiveWorker::finished() const {
  if (options_.mode != RunMode::kOnce || !targets_) return false;
  return std::ranges::all_of(
      *targets_, [&](const auto& target) { return reached(target.first, target.second); });
}

WorkerSummary ArchiveWorker::summary() const {
  WorkerSummary summary{.chunks = archived_.chunks, .records = archived_.records, .refused = {}};
  for (const auto& [key, refusal] : refused_) {
    if (partitions_.contains(key)) continue;
    const std::string where =
        key.second == kWholeTopic ? key.first : key.first + "/" + std::to_string(key.second);
    summary.refused.emplace(where, refusal.error);
  }
  return summary;
}

// Looking for work.

void ArchiveWorker::look_again_in(std::int64_t ms) {
  next_discovery_ns_ = std::min(next_discovery_ns_, parts_.clock.steady_ns() + ms * kNsPerMs);
}

void ArchiveWorker::note_trouble(const std::string& what, const Error& error) {
  const std::int64_t now = parts_.clock.steady_ns();
  if (now - last_trouble_ns_ > 2 * kMaxRetryMs * kNsPerMs) {
    source_backoff_.reset();
    last_trouble_.clear();
  }
  last_trouble_ns_ = now;
  look_again_in(source_backoff_.next_ms());
  const std::string trouble = what + ": " + error.to_string();
  if (trouble != last_trouble_) logger("archiver").warn("will try again: {}", trouble);
  last_trouble_ = trouble;
}

bool ArchiveWorker::is_wanted(const SourceTopic& topic) const {
  if (options_.topics.empty()) return !topic.internal;
  return std::ranges::find(options_.topics, topic.name) != options_.topics.end();
}

Status ArchiveWorker::discover() {
  next_discovery_ns_ =
      parts_.clock.steady_ns() + std::chrono::nanoseconds(options_.discovery_interval).count();
  auto topics = parts_.source.topics({});
  if (!topics) {
    next_discovery_ns_ = parts_.clock.steady_ns() + kMaxRetryMs * kNsPerMs;
    note_trouble("look for topics", topics.error());
    return {};
  }
  assignment_stale_ |= std::exchange(read_failed_, false);
  PENSTOCK_TRY(drop_missing(*topics));
  for (const SourceTopic& topic : *topics) {
    if (!is_wanted(topic)) continue;
    for (const SourcePartition& partition : topic.partitions) {
      if (partition.error) {
        const Key key(topic.name, partition.partition.value());
        if (is_time_for(key)) PENSTOCK_TRY(refuse(key, *partition.error));
        continue;
      }
      if (targets_) set_target(topic.name, partition);
      PENSTOCK_TRY(take_over({.topic = topic.name,
                              .topic_id = topic.id,
                              .partition = partition.partition,
                              .log_start = partition.log_start,
                              .high_watermark = partition.high_watermark}));
    }
  }
  if (options_.mode == RunMode::kOnce && !targets_) set_targets(*topics);
  return {};
}

bool ArchiveWorker::is_time_for(const Key& key) const {
  const auto refusal = refused_.find(key);
  return refusal == refused_.end() || parts_.clock.steady_ns() >= refusal->second.retry_at_ns;
}

Status ArchiveWorker::take_over(const LogPartition& log) {
  const Key key(log.topic, log.partition.value());
  if (const auto known = partitions_.find(key); known != partitions_.end()) {
    auto followed = follow(known->second, log);
    return followed ? Status() : refuse(key, std::move(followed).error());
  }
  if (!is_time_for(key)) return {};
  auto worker = PartitionWorker::open(tools(), log);
  if (!worker) return refuse(key, std::move(worker).error());
  logger("archiver")
      .info("archiving topic={} partition={} from={} high_watermark={}", log.topic,
            log.partition.value(), worker->archive().end().value(), log.high_watermark.value());
  partitions_.emplace(key, *std::move(worker));
  assignment_stale_ = true;
  return {};
}

// A partition that is worked on already: is it still the same topic, and did retention pass it?
Status ArchiveWorker::follow(PartitionWorker& worker, const LogPartition& log) {
  if (worker.archive().manifest().topic_id != log.topic_id) {
    return fail(Errc::kForeignData, "the topic was deleted and created anew");
  }
  if (log.high_watermark < worker.archive().end()) {
    return fail(Errc::kMismatch, "the log has become shorter than its archive");
  }
  if (log.log_start <= worker.open_chunk().end()) return {};
  PENSTOCK_TRY_ASSIGN(const Archived archived, worker.roll(RollReason::kNone));
  archived_.chunks += archived.chunks;
  archived_.records += archived.records;
  PENSTOCK_TRY(worker.record_lost(log.log_start));
  assignment_stale_ = true;
  return {};
}

Status ArchiveWorker::drop_missing(const std::vector<SourceTopic>& topics) {
  const auto exists = [&](const std::string& name) {
    return std::ranges::find(topics, name, &SourceTopic::name) != topics.end();
  };
  std::vector<Key> missing;
  for (const auto& [key, worker] : partitions_) {
    if (!exists(key.first)) missing.push_back(key);
  }
  for (const Key& key : missing) {
    PENSTOCK_TRY(roll(key, RollReason::kNone));
    const auto worker = partitions_.find(key);
    if (worker == partitions_.end() || !worker->second.open_chunk().empty()) continue;
    logger("archiver")
        .info("topic is gone topic={} partition={} archived_to={}", key.first, key.second,
              worker->second.archive().end().value());
    partitions_.erase(worker);
    assignment_stale_ = true;
  }
  // Of what is gone there is nothing left to reach.
  if (targets_) {
    std::erase_if(*targets_, [&](const auto& target) {
      return !exists(target.first.first) && !partitions_.contains(target.first);
    });
  }
  return {};
}

void ArchiveWorker::set_target(const std::string& topic, const SourcePartition& partition) {
  const auto target = targets_->find(Key(topic, partition.partition.value()));
  if (target != targets_->end() && target->second == kNotKnownYet) {
    target->second = partition.high_watermark;
  }
}

void ArchiveWorker::set_targets(const std::vector<SourceTopic>& topics) {
  targets_.emplace();
  for (const SourceTopic& topic : topics) {
    if (!is_wanted(topic)) continue;
    for (const SourcePartition& partition : topic.partitions) {
      targets_->emplace(Key(topic.name, partition.partition.value()),
                        partition.error ? kNotKnownYet : partition.high_watermark);
    }
  }
  for (const std::string& wanted : options_.topics) {
    if (std::ranges::find(topics, wanted, &SourceTopic::name) != topics.end()) continue;
    refused_.emplace(Key(wanted, kWholeTopic),
                     Refusal{.error = Error(Errc::kUnknownTopic), .retry_at_ns = 0, .backoff = {}});
  }
}

Status ArchiveWorker::refuse(const Key& key, Error error) {
  if (gate_.dead()) return std::unexpected(std::move(error));
  const auto [entry, is_new] = refused_.try_emplace(key, Refusal{error, 0, Backoff()});
  Refusal& refusal = entry->second;
  if (is_new || refusal.error.message() != error.message()) {
    const auto level = error.retriable() ? spdlog::level::warn : spdlog::level::err;
    logger("archiver")
        .log(level, "not archiving, will try again topic={} partition={} reason={}", key.first,
             key.second, error.to_string());
  }
  const bool overtaken = error.code() == Errc::kMismatch;
  const std::int64_t pause_ms = overtaken ? kOvertakenPauseMs : refusal.backoff.next_ms();
  refusal.error = std::move(error);
  refusal.retry_at_ns = parts_.clock.steady_ns() + pause_ms * kNsPerMs;
  look_again_in(pause_ms);
  if (partitions_.erase(key) > 0) assignment_stale_ = true;
  return {};
}

// Reading.

void ArchiveWorker::assign_all() {
  std::vector<SourcePosition> positions;
  for (const auto& [key, worker] : partitions_) {
    positions.push_back({.topic = key.first,
                         .partition = PartitionId(key.second),
                         .next = worker.open_chunk().end()});
  }
  const Status assigned = parts_.source.assign(positions);
  if (!assigned) return note_trouble("begin to read", assigned.error());
  assignment_stale_ = false;
}

Status ArchiveWorker::read() {
  if (partitions_.empty() || assignment_stale_) {
    parts_.pause(std::min(options_.poll_wait, std::chrono::milliseconds(kFirstRetryMs)));
    return {};
  }
  auto deliveries = parts_.source.poll(options_.poll_wait);
  if (!deliveries) {
    // One partition is not read any more, the others are. After a pause all are looked at again.
    note_trouble("read", deliveries.error());
    read_failed_ = true;
    parts_.pause(std::chrono::milliseconds(kFirstRetryMs));
    return {};
  }
  for (const SourceBatches& delivered : *deliveries) {
    const Key key(delivered.topic, delivered.partition.value());
    const auto worker = partitions_.find(key);
    if (worker == partitions_.end()) continue;  // just refused
    if (auto added = worker->second.add(delivered); !added) {
      PENSTOCK_TRY(refuse(key, std::move(added).error()));
    }
  }
  return {};
}

// Archiving.

Status ArchiveWorker::roll_due() {
  std::vector<std::pair<Key, RollReason>> due;
  const std::int64_t now = parts_.clock.steady_ns();
  for (const auto& [key, worker] : partitions_) {
    const OpenChunk& chunk = worker.open_chunk();
    const RollReason reason = chunk.due(options_.roll, now);
    const auto is_last = [&] {
      return targets_ && targets_->contains(key) && chunk.end() >= targets_->at(key);
    };
    if (reason != RollReason::kNone || (!chunk.empty() && is_last())) due.emplace_back(key, reason);
  }
  for (const auto& [key, reason] : due) PENSTOCK_TRY(roll(key, reason));
  return roll_largest_while_over_limit();
}

Status ArchiveWorker::roll_largest_while_over_limit() {
  while (true) {
    std::uint64_t total = 0;
    auto largest = partitions_.end();
    for (auto worker = partitions_.begin(); worker != partitions_.end(); ++worker) {
      const std::uint64_t size = worker->second.spooled_bytes();
      total += size;
      if (largest == partitions_.end() || size > largest->second.spooled_bytes()) largest = worker;
    }
    if (total <= options_.max_spool_bytes) return {};
    const Key key = largest->first;
    PENSTOCK_TRY(roll(key, RollReason::kBytes));
    const auto worker = partitions_.find(key);
    if (worker != partitions_.end() && worker->second.spooled_bytes() > 0) return {};  // later
  }
}

Status ArchiveWorker::roll_all() {
  std::vector<Key> keys;
  for (const auto& [key, worker] : partitions_) keys.push_back(key);
  for (const Key& key : keys) PENSTOCK_TRY(roll(key, RollReason::kNone));
  return {};
}

// Whether what was read by the topic's name is of the topic that the archive is of: its id is
// looked at after the last record was read, and ids never come back.
Result<bool> ArchiveWorker::is_same_topic(const PartitionWorker& worker) {
  const Manifest& manifest = worker.archive().manifest();
  const auto topics = parts_.source.topics({manifest.topic});
  if (topics && !topics->empty()) return topics->front().id == manifest.topic_id;
  if (topics || topics.error().code() == Errc::kUnknownTopic) return true;  // deleted, not replaced
  return std::unexpected(topics.error());
}

Status ArchiveWorker::roll(const Key& key, RollReason reason) {
  const auto worker = partitions_.find(key);
  if (worker == partitions_.end() || worker->second.open_chunk().empty()) return {};
  const auto same = is_same_topic(worker->second);
  if (!same) {
    note_trouble("look at topic " + key.first, same.error());
    return {};  // stays collected
  }
  if (!*same) {
    return refuse(key, Error(Errc::kForeignData, "the topic was deleted and created anew"));
  }
  auto archived = worker->second.roll(reason);
  if (!archived) return refuse(key, std::move(archived).error());
  archived_.chunks += archived->chunks;
  archived_.records += archived->records;
  refused_.erase(key);
  return {};
}

}  // namespace penstock::archiver
