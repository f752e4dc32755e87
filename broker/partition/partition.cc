// Produce, fetch and housekeeping. What the replica wants is carried out in partition_replica.cc.
#include "broker/partition/partition.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/log.h"
#include "broker/partition/limits.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("partition");
  return instance;
}

// Whoever leads now decides what becomes of the records.
Error leader_changed() {
  return {Errc::kTimeout,
          "the leader changed before a majority had the records; whether they stay is unknown"};
}

Error deletion_unheard() {
  return {Errc::kTimeout,
          "the leader changed before a majority had heard of the deletion; whether it stays is "
          "unknown"};
}

}  // namespace

Partition::Partition(PartitionServices& services, TopicPartition id, std::string topic_name,
                     PartitionRules rules, std::unique_ptr<Replica> replica)
    : services_(services),
      id_(id),
      name_(std::move(topic_name) + "/" + std::to_string(id.partition.value())),
      rules_(std::move(rules)),
      replica_(std::move(replica)),
      seen_high_watermark_(replica_->committed()),
      checkpointed_end_(replica_->log_end()),
      idle_(services.shard) {
  if (services.catch_up != nullptr) replica_->set_catch_up_pace(*services.catch_up);
  follow_compaction_rules();
}

Status Partition::health() const {
  if (ended_) return fail(*ended_);
  const auto& damage = replica_->log().damage();
  if (damage.empty()) {
    if (!replica_->is_damaged()) return {};
    return fail(Errc::kPartitionDamaged, name_ + " may lack records that it once had");
  }
  std::string text = name_ + " has damaged records at offsets";
  for (const auto& range : damage) {
    text += " [" + std::to_string(range.begin.value()) + "," + std::to_string(range.end.value()) +
            "): " + range.reason;
  }
  return fail(Errc::kPartitionDamaged, text + "; run penstock dump on the folder");
}

Status Partition::check_epoch(Term requested) const {
  if (requested.value() <= 0 || requested == epoch()) return {};  // epochs begin at 1
  return fail(Errc::kStaleEpoch, name_ + " is at leader epoch " + std::to_string(epoch().value()) +
                                     ", the request says " + std::to_string(requested.value()) +
                                     "; refresh metadata");
}

Status Partition::check_ready() const {
  if (ended_) return fail(*ended_);
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  if (replica_->is_ready()) return {};
  if (replica_->role() == raft::Role::kLeader) {
    return fail(Errc::kNotReady, name_ + " has a leader that was elected a moment ago");
  }
  if (replica_->is_damaged() && replica_->leader() == raft::kNobody) PENSTOCK_TRY(health());
  const raft::NodeId leader = replica_->leader();
  return fail(
      Errc::kNotLeader,
      name_ + (leader == raft::kNobody ? " has no leader that this broker knows"
                                       : " is led by broker " + std::to_string(leader.value())));
}

// --- append

Durability Partition::answers_when(std::optional<Durability> asked) const {
  const raft::Membership& members = replica_->group().membership();
  const bool alone = !members.is_joint() && members.voters.size() == 1;
  return alone ? asked.value_or(rules_.default_durability) : Durability::kFsynced;
}

Status Partition::check_writable() const {
  if (!is_written_by_brokers()) return {};
  return fail(Errc::kInvalidArgument, name_ + " is internal: it can be read, and is written by "
                                              "brokers alone");
}

Status Partition::admits(std::size_t bytes) const {
  if (ended_) return fail(*ended_);
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  if (waiters_.size() >= kMaxDurabilityWaiters) {
    return fail(Errc::kOverloaded, name_ + " has " + std::to_string(waiters_.size()) +
                                       " requests waiting for the disk; back off");
  }
  return services_.disk->admit(bytes);
}

Result<Appended> Partition::append(MutableByteView batches) {
  const std::int64_t begun_ns = services_.clock->steady_ns();
  PENSTOCK_TRY(check_writable());
  PENSTOCK_TRY_ASSIGN(const CheckedBatches checked, check_batches(batches, rules_.append));
  PENSTOCK_TRY(admits(batches.size()));
  PENSTOCK_TRY(check_ready());
  auto done = checked.numbered > 0 ? append_numbered(batches) : append_new(batches);
  // Not earlier: whoever is answered may append, and what was checked is true no more.
  pump("append to ");
  if (!done) return fail(std::move(done).error().context("append to " + name_));
  services_.observer->appended(batches.size(), checked.records,
                               services_.clock->steady_ns() - begun_ns);
  return done;
}

Result<Appended> Partition::append_new(MutableByteView batches) {
  Appended done;
  if (rules_.append.timestamp_type == record::TimestampType::kLogAppendTime) {
    done.append_time = services_.clock->wall();
    stamp_append_time(batches, done.append_time);
  }
  const auto info = replica_->append(batches);
  if (!info) {
    if (info.error().code() == Errc::kDiskFull) services_.disk->measure();
    return fail(info.error());
  }
  done.base_offset = info->base_offset;
  done.last_offset = info->end - 1;
  done.term = info->term;
  done.through = info->end;
  return done;
}

namespace {

// Moves the new batches together at the front, in their order, and returns where they are; and of
// each batch how many records it has.
MutableByteView gather_new(MutableByteView batches, const std::vector<Verdict>& verdicts,
                           std::vector<std::int64_t>& records) {
  std::size_t gathered = 0;
  MutableByteView rest = batches;
  for (const Verdict& verdict : verdicts) {
    const auto batch = record::BatchView::parse(rest);
    PENSTOCK_ASSERT(batch.has_value(), "batches passed check_batches()");
    records.push_back(batch->record_count());
    const std::size_t size = batch->size();
    if (std::holds_alternative<NewBatch>(verdict)) {
      std::memmove(batches.data() + gathered, rest.data(), size);
      gathered += size;
    }
    rest = rest.subspan(size);
  }
  return batches.first(gathered);
}

// Where all of them are: `done` has the place of the new ones.
void place_all(Appended& done, const std::vector<Verdict>& verdicts,
               const std::vector<std::int64_t>& records) {
  Offset next_new = done.base_offset;
  Offset end;
  bool is_one_range = true;
  std::vector<Offset> bases;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const auto* const there = std::get_if<RepeatedBatch>(&verdicts[i]);
    const Offset base = there != nullptr ? there->base : next_new;
    if (there == nullptr) next_new = next_new + records[i];
    is_one_range = is_one_range && (i == 0 || base == end);
    end = base + records[i];
    done.through = std::max(done.through, end);
    bases.push_back(base);
  }
  done.base_offset = bases.front();
  done.last_offset = end - 1;
  if (!is_one_range) done.batches = std::move(bases);
}

}  // namespace

Result<Appended> Partition::append_numbered(MutableByteView batches) {
  PENSTOCK_TRY_ASSIGN(const PartVerdict part, replica_->check_producers(batches));
  if (part.refused) return fail(*part.refused);
  const std::size_t fresh = part.fresh();
  if (fresh == part.batches.size()) return append_new(batches);
  services_.observer->repeated(static_cast<std::uint32_t>(part.batches.size() - fresh));
  // What is repeated waits for the commit of its first copy, in the term of now.
  Appended done;
  done.term = replica_->term();
  std::vector<std::int64_t> records;
  const MutableByteView news = gather_new(batches, part.batches, records);
  if (!news.empty()) {
    PENSTOCK_TRY_ASSIGN(done, append_new(news));
  }
  place_all(done, part.batches, records);
  return done;
}

bool Partition::leads(Term term) const {
  return replica_->role() == raft::Role::kLeader && replica_->term() == term;
}

// Precondition: `end` is committed.
Status Partition::outcome_of(Offset end, Term term) const {
  if (leads(term)) return {};
  const bool here = end > log_start() && end <= log_end();
  if (here && replica_->group().point_at(end).term == term) return {};
  return fail(leader_changed());
}

void Partition::when_committed(Offset end, Term term, CommittedHandler handler) {
  if (high_watermark() >= end) return handler(outcome_of(end, term));
  if (ended_) return handler(fail(*ended_));
  if (!leads(term)) return handler(fail(leader_changed()));
  // Producers come in the order of their appends, so the place is nearly always the last one.
  auto place = waiters_.end();
  while (place != waiters_.begin() && std::prev(place)->end > end) --place;
  waiters_.insert(place, {end, term, std::move(handler)});
}

Task<Result<Appended>> Partition::append_durably(MutableByteView batches, Durability durability) {
  auto appended = append(batches);
  if (!appended || answers_when(durability) == Durability::kWritten) co_return appended;
  const Status committed =
      co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Status)>(
          [this](auto handler, Offset end, Term term) {
            // move_only_function wants a callable that it may keep; the coroutine resumes on the
            // shard.
            when_committed(end, term, [handler = std::move(handler)](const Status& status) mutable {
              std::move(handler)(status);
            });
          },
          asio::use_awaitable, appended->end(), appended->term);
  if (!committed) co_return fail(committed.error());
  co_return appended;
}

void Partition::answer_waiters() {
  for (auto& [handler, status] : std::exchange(heard_, {})) handler(status);
  // A handler may append and wait anew: its place is behind those that are taken out here.
  while (!waiters_.empty() && waiters_.front().end <= high_watermark()) {
    Waiter waiter = std::move(waiters_.front());
    waiters_.pop_front();
    waiter.handler(outcome_of(waiter.end, waiter.term));
  }
  if (!waiters_.empty() && !leads(waiters_.front().term)) fail_waiters(leader_changed());
  if (!rounds_.empty() && replica_->role() != raft::Role::kLeader) fail_rounds(deletion_unheard());
}

void Partition::fail_waiters(const Error& error) {
  std::deque<Waiter> waiters = std::exchange(waiters_, {});
  for (Waiter& waiter : waiters) waiter.handler(std::unexpected(error));
}

void Partition::fail_rounds(const Error& error) {
  for (auto& [round, handler] : std::exchange(rounds_, {})) handler(std::unexpected(error));
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

// --- reads

Result<storage::ReadResult> Partition::read_cached(Offset offset, std::uint64_t max_bytes) {
  if (closed_) return fail(Errc::kUnknownTopic, name_ + " was deleted");
  auto result = replica_->read(offset, max_bytes, high_watermark(), /*cached_only=*/true);
  if (result) services_.observer->read(result->batches.size(), false);
  return result;
}

Task<Result<storage::ReadResult>> Partition::read(Offset offset, std::uint64_t max_bytes) {
  auto cached = read_cached(offset, max_bytes);
  if (cached || cached.error().code() != Errc::kWouldBlock) co_return cached;
  PENSTOCK_CO_TRY_ASSIGN(auto work, replica_->prepare_read(offset, max_bytes, high_watermark()));
  const auto self = shared_from_this();
  ++work_under_way_;
  auto result =
      co_await run_on(services_.background, [work = std::move(work)] { return work.run(); });
  work_ended();
  if (result) services_.observer->read(result->batches.size(), true);
  co_return result;
}

Result<std::optional<storage::TimestampOffset>> Partition::find_timestamp(Timestamp at) {
  PENSTOCK_TRY(check_ready());
  return replica_->log().find_timestamp(at, high_watermark(), log_start());
}

Result<std::optional<storage::TimestampOffset>> Partition::max_timestamp() {
  PENSTOCK_TRY(check_ready());
  return replica_->log().max_timestamp(high_watermark(), log_start());
}

// --- housekeeping

Result<Offset> Partition::delete_records(Offset before) {
  PENSTOCK_TRY(check_writable());
  PENSTOCK_TRY(check_ready());
  const Offset to = before.value() == -1 ? high_watermark() : before;
  if (to < Offset(0) || to > high_watermark()) {
    return fail(Errc::kOffsetOutOfRange,
                name_ + " has records up to " + std::to_string(high_watermark().value()) +
                    "; cannot delete before " + std::to_string(to.value()));
  }
  if (to <= log_start()) return log_start();
  const auto deleted = replica_->delete_records(to, BeginsAt::kRecord);
  pump("delete records of ");
  if (!deleted) return fail(Error(deleted.error()).context("delete records of " + name_));
  return log_start();
}

void Partition::when_start_is_heard(CommittedHandler handler) {
  // A round of heartbeats that begins now tells it.
  const std::uint64_t round = next_round_++;
  if (const Status asked = replica_->read_index(round); !asked) {
    return handler(fail(asked.error()));
  }
  rounds_.emplace(round, std::move(handler));
  pump("delete records of ");
}

void Partition::take_heard(const ReplicaOutput& output) {
  const auto settle = [this](std::uint64_t round, const Status& status) {
    // Rounds that a state machine asked for are not known here.
    if (auto found = rounds_.extract(round)) heard_.emplace_back(std::move(found.mapped()), status);
  };
  for (const raft::ReadReady& ready : output.reads_ready) settle(ready.context, {});
  for (const std::uint64_t round : output.reads_failed) settle(round, fail(deletion_unheard()));
}

Task<Result<Offset>> Partition::delete_for_all(Offset before) {
  auto log_start = delete_records(before);
  if (!log_start) co_return log_start;
  const Status heard = co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Status)>(
      [this](auto handler) {
        when_start_is_heard([handler = std::move(handler)](const Status& status) mutable {
          std::move(handler)(status);
        });
      },
      asio::use_awaitable);
  if (!heard) co_return fail(heard.error());
  co_return log_start;
}

void Partition::apply_retention() {
  if (closed_ || ended_) return;
  const auto freed = replica_->apply_retention();
  if (!freed) {
    log().warn("retention failed partition={} error={}", name_, freed.error().to_string());
  } else if (*freed > 0) {
    services_.observer->retention_freed(*freed);
    log().info("retention freed partition={} bytes={} log_start={}", name_, *freed,
               log_start().value());
  }
  pump("retention of ");
}

void Partition::set_rules(PartitionRules rules) {
  rules_ = std::move(rules);
  replica_->log().set_options(rules_.log);
  follow_compaction_rules();
  list_for_compaction();
}

// --- end

void Partition::work_ended() {
  if (--work_under_way_ == 0) idle_.notify_all();
}

Task<void> Partition::settled() {
  const auto self = shared_from_this();
  while (work_under_way_ > 0) co_await idle_.wait(idle_.version());
}

Task<void> Partition::retire() {
  const auto self = shared_from_this();
  closed_ = true;
  fail_waiters(Error(Errc::kUnknownTopic, name_ + " was deleted"));
  fail_rounds(Error(Errc::kUnknownTopic, name_ + " was deleted"));
  wake_watchers();
  co_await settled();
  services_.votes->forget(id_);
}

Task<Status> Partition::close() {
  const auto self = shared_from_this();
  co_await settled();  // a flush under way is followed by the next one until all is flushed
  closed_ = true;
  fail_waiters(leader_changed());
  fail_rounds(deletion_unheard());
  wake_watchers();
  co_return co_await run_on(services_.background, [this] { return replica_->close(); });
}

}  // namespace penstock::broker
