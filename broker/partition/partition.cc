#include "broker/partition/partition.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "broker/partition/limits.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("partition");
  return instance;
}

}  // namespace

Partition::Partition(PartitionServices& services, TopicPartition id, std::string topic_name,
                     PartitionRules rules, Term epoch, std::unique_ptr<storage::Log> log)
    : services_(services),
      id_(id),
      name_(std::move(topic_name) + "/" + std::to_string(id.partition.value())),
      rules_(std::move(rules)),
      epoch_(epoch),
      log_(std::move(log)),
      checkpointed_end_(log_->log_end()),
      idle_(services.shard) {}

Status Partition::health() const {
  const auto& damage = log_->damage();
  if (damage.empty()) return {};
  std::string text = name_ + " has damaged records at offsets";
  for (const auto& range : damage) {
    text += " [" + std::to_string(range.begin.value()) + "," + std::to_string(range.end.value()) +
            "): " + range.reason;
  }
  return fail(Errc::kPartitionDamaged, text + "; run penstock dump on the folder");
}

Status Partition::check_epoch(Term requested) const {
  if (requested.value() <= 0 || requested == epoch_) return {};  // epochs begin at 1
  return fail(Errc::kStaleEpoch, name_ + " is at leader epoch " + std::to_string(epoch_.value()) +
                                     ", the request says " + std::to_string(requested.value()) +
                                     "; refresh metadata");
}

// --- append

Status Partition::admits(std::size_t bytes) const {
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  if (waiters_.size() >= kMaxDurabilityWaiters) {
    return fail(Errc::kOverloaded, name_ + " has " + std::to_string(waiters_.size()) +
                                       " requests waiting for the disk; back off");
  }
  return services_.disk->admit(bytes);
}

Result<Appended> Partition::append(MutableByteView batches) {
  const std::int64_t begun_ns = services_.clock->steady_ns();
  PENSTOCK_TRY_ASSIGN(const CheckedBatches checked, check_batches(batches, rules_.append));
  PENSTOCK_TRY(admits(batches.size()));
  Appended done;
  if (rules_.append.timestamp_type == record::TimestampType::kLogAppendTime) {
    done.append_time = services_.clock->wall();
    stamp_append_time(batches, done.append_time);
  }
  const auto info = log_->append(batches, epoch_);
  if (!info) {
    if (info.error().code() == Errc::kDiskFull) services_.disk->measure();
    const Error error = Error(info.error()).context("append to " + name_);
    end_if_fenced(error);
    return fail(error);
  }
  done.base_offset = info->base_offset;
  done.last_offset = info->last_offset;
  appended_something();
  services_.observer->appended(batches.size(), checked.records,
                               services_.clock->steady_ns() - begun_ns);
  return done;
}

void Partition::appended_something() {
  if (!flush_asked_) {
    flush_asked_ = true;
    ++work_under_way_;
    services_.flushes->add(shared_from_this());
  }
  if (!in_checkpoint_queue_) {
    in_checkpoint_queue_ = true;
    services_.checkpoints->add(shared_from_this());
  }
}

void Partition::when_durable(Offset end, DurableHandler handler) {
  if (log_->durable_end() >= end) return handler({});
  if (log_->fenced()) return handler(fail(Errc::kFsyncFailed));
  // Producers come in the order of their appends, so the place is nearly always the last one.
  auto place = waiters_.end();
  while (place != waiters_.begin() && std::prev(place)->end > end) --place;
  waiters_.insert(place, {end, std::move(handler)});
}

Task<Result<Appended>> Partition::append_durably(MutableByteView batches, Durability durability) {
  auto appended = append(batches);
  if (!appended || durability == Durability::kWritten) co_return appended;
  const Status durable = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Status)>(
      [this](auto handler, Offset end) {
        // move_only_function wants a callable that it may keep; the coroutine resumes on the shard.
        when_durable(end, [handler = std::move(handler)](const Status& status) mutable {
          std::move(handler)(status);
        });
      },
      asio::use_awaitable, appended->end());
  if (!durable) co_return fail(durable.error());
  co_return appended;
}

// --- flush

storage::FlushTicket Partition::begin_flush() { return log_->begin_flush(); }

void Partition::complete_flush(const storage::FlushTicket& ticket, const Status& status,
                               std::int64_t queued_ns, std::int64_t took_ns) {
  const Offset before = high_watermark();
  log_->complete_flush(ticket, status);
  flush_asked_ = false;
  work_ended();
  if (!status) {
    // A deleted topic's disk may fail, too.
    return end_if_fenced(Error(status.error()).context("flush of " + name_));
  }
  services_.observer->flushed(queued_ns, took_ns);
  if (log_->needs_flush() && !closed_) {
    flush_asked_ = true;
    ++work_under_way_;
    services_.flushes->add(shared_from_this());
  }
  if (high_watermark() == before) return;
  release_waiters(high_watermark());
  wake_watchers();
}

void Partition::release_waiters(Offset durable_end) {
  // A handler may append and wait anew: its place is behind those that are taken out here.
  while (!waiters_.empty() && waiters_.front().end <= durable_end) {
    DurableHandler handler = std::move(waiters_.front().handler);
    waiters_.pop_front();
    handler({});
  }
}

void Partition::fail_waiters(const Error& error) {
  std::deque<Waiter> waiters = std::exchange(waiters_, {});
  for (Waiter& waiter : waiters) waiter.handler(std::unexpected(error));
}

void Partition::wake_watchers() {
  Watchers woken;
  woken.swap(watchers_);
  while (!woken.empty()) {
    HighWatermarkWatcher& watcher = woken.front();
    woken.pop_front();
    watcher.high_watermark_moved();
  }
}

void Partition::end_if_fenced(const Error& error) {
  if (!log_->fenced()) return;
  services_.on_fatal(error);
  fail_waiters(error);
}

// --- checkpoints

bool Partition::wants_checkpoint() const { return !closed_ && log_->wants_checkpoint(); }

storage::CheckpointTicket Partition::begin_checkpoint() {
  ++work_under_way_;
  checkpointed_end_ = log_->durable_end();
  return log_->begin_checkpoint();
}

void Partition::complete_checkpoint(const storage::CheckpointTicket& ticket, const Status& status,
                                    std::int64_t took_ns) {
  log_->complete_checkpoint(ticket, status);
  work_ended();
  if (status) return services_.observer->checkpointed(took_ns);
  const Error error = Error(status.error()).context("checkpoint of " + name_);
  if (error.code() != Errc::kDiskFull) return end_if_fenced(error);
  // Recovery will scan more; nothing is lost.
  log().warn("checkpoint failed partition={} error={}", name_, error.to_string());
  checkpointed_end_ = Offset(-1);
}

// --- reads

Result<storage::ReadResult> Partition::read_cached(Offset offset, std::uint64_t max_bytes) {
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  auto result = log_->read(offset, max_bytes, storage::ReadUpTo::kDurable, true);
  if (result) services_.observer->read(result->batches.size(), false);
  return result;
}

Task<Result<storage::ReadResult>> Partition::read(Offset offset, std::uint64_t max_bytes) {
  auto cached = read_cached(offset, max_bytes);
  if (cached || cached.error().code() != Errc::kWouldBlock) co_return cached;
  PENSTOCK_CO_TRY_ASSIGN(auto work,
                         log_->prepare_read(offset, max_bytes, storage::ReadUpTo::kDurable));
  const auto self = shared_from_this();
  ++work_under_way_;
  auto result =
      co_await run_on(services_.background, [work = std::move(work)] { return work.run(); });
  work_ended();
  if (result) services_.observer->read(result->batches.size(), true);
  co_return result;
}

Result<std::optional<storage::TimestampOffset>> Partition::find_timestamp(Timestamp at) {
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  return log_->find_timestamp(at);
}

Result<std::optional<storage::TimestampOffset>> Partition::max_timestamp() {
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  return log_->max_timestamp();
}

// --- housekeeping

Result<Offset> Partition::delete_records(Offset before) {
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  const Offset to = before.value() == -1 ? high_watermark() : before;
  if (to < Offset(0) || to > high_watermark()) {
    return fail(Errc::kOffsetOutOfRange,
                name_ + " has records up to " + std::to_string(high_watermark().value()) +
                    "; cannot delete before " + std::to_string(to.value()));
  }
  if (to <= log_start()) return log_start();
  if (const Status deleted = log_->truncate_prefix(to); !deleted) {
    const Error error = Error(deleted.error()).context("delete records of " + name_);
    end_if_fenced(error);
    return fail(error);
  }
  return log_start();
}

void Partition::apply_retention() {
  if (closed_) return;
  const auto freed = log_->apply_retention();
  if (!freed) {
    log().warn("retention failed partition={} error={}", name_, freed.error().to_string());
    end_if_fenced(Error(freed.error()).context("retention of " + name_));
  } else if (*freed > 0) {
    services_.observer->retention_freed(*freed);
    log().info("retention freed partition={} bytes={} log_start={}", name_, *freed,
               log_start().value());
  }
}

void Partition::set_rules(PartitionRules rules) {
  rules_ = std::move(rules);
  log_->set_options(rules_.log);
}

// --- end

void Partition::work_ended() {
  if (--work_under_way_ == 0) idle_.notify_all();
}

Task<void> Partition::wait_until_idle() {
  while (work_under_way_ > 0) co_await idle_.wait(idle_.version());
}

Task<void> Partition::retire() {
  const auto self = shared_from_this();
  closed_ = true;
  fail_waiters(Error(Errc::kUnknownTopic, name_ + " was deleted"));
  wake_watchers();
  co_await wait_until_idle();
}

Task<Status> Partition::close() {
  const auto self = shared_from_this();
  co_await wait_until_idle();  // a flush under way is followed by the next one until all is flushed
  closed_ = true;
  wake_watchers();
  co_return co_await run_on(services_.background, [this] { return log_->close(); });
}

}  // namespace penstock::broker
