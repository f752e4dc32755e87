#include "broker/server/handlers/fetch_call.h"

#include <algorithm>

#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "protocol/wire/error_message.h"

namespace penstock::broker {

using wire::v1::FetchRequest;
using wire::v1::FetchResponse;

class FetchCall::Watcher final : public HighWatermarkWatcher {
 public:
  explicit Watcher(FetchCall& call) : call_(call) {}
  void high_watermark_moved() override { call_.moved(); }

 private:
  FetchCall& call_;  // which owns this
};

FetchCall::FetchCall(BrokerContext& broker, Shard& home)
    : broker_(broker), home_(home), wake_(home.executor()) {}
FetchCall::~FetchCall() = default;

Status FetchCall::prepare(const FetchRequest& request) {
  PENSTOCK_TRY(check_count(request.partitions_size(), kMaxPartitionsPerRequest, "partitions"));
  reads_ = request.any_replica() ? ReadFrom::kAnyReplica : ReadFrom::kLeader;
  max_bytes_ = request.max_bytes();
  min_bytes_ = std::min<std::uint64_t>(request.min_bytes(), FetchBudget::kMaxAnswerBytes);
  max_wait_ = std::min(std::chrono::milliseconds(request.max_wait_ms()), kMaxFetchWait);
  std::vector<TopicPartition> ids;
  for (const auto& asked : request.partitions()) {
    PENSTOCK_TRY_ASSIGN(const TopicPartition id, partition_id(asked.topic_id(), asked.partition()));
    ids.push_back(id);
    Part& part = parts_.emplace_back();
    part.id = id;
    part.offset = Offset(asked.offset());
    part.max_bytes = asked.max_bytes();
    part.epoch = Term(asked.leader_epoch());
  }
  groups_ = by_shard(broker_, ids);
  watchers_.resize(groups_.size());
  return {};
}

Task<void> FetchCall::run() {
  const auto deadline = std::chrono::steady_clock::now() + max_wait_;
  while (true) {
    const std::uint64_t seen = wake_.version();
    co_await pass();
    if (is_satisfied() || max_wait_.count() == 0 || home_.is_draining()) break;
    if (!is_linked()) home_.add_waiting(*this);
    if (!co_await wake_.wait(seen, deadline)) break;  // time is over, or the connection is lost
  }
  if (is_linked()) unlink();
  unwatch();
}

bool FetchCall::is_satisfied() const {
  return failed_ || full_ || parts_.empty() || budget_.allowance(1) == 0 ||
         budget_.taken() >= std::max<std::uint64_t>(min_bytes_, 1) || min_bytes_ == 0;
}

// Reads everything once, and leaves watchers where the answer is not yet large enough.
Task<void> FetchCall::pass() {
  budget_ = FetchBudget(max_bytes_);
  failed_ = false;
  full_ = false;
  const std::size_t turn = home_.next_turn();
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const std::size_t s = rotated(g, turn, groups_.size());
    if (groups_[s].empty()) continue;
    Shard& shard = *broker_.shards[s];
    if (&shard == &home_) {
      co_await read_group(shard, groups_[s], turn);
    } else {
      co_await call_on(shard.executor(), read_group(shard, groups_[s], turn));
    }
  }
}

// On the group's shard.
Task<Status> FetchCall::read_group(Shard& shard, const std::vector<std::size_t>& group,
                                   std::size_t turn) {
  for (std::size_t place = 0; place < group.size(); ++place) {
    Part& part = parts_[group[rotated(place, turn, group.size())]];
    part.batches = {};
    co_await read_part(shard, part);
    if (!part.status) failed_ = true;
  }
  if (!is_satisfied() && max_wait_.count() > 0) watch_group(shard, group);
  co_return Status{};
}

// Who reads from any replica gets nothing but committed records, whoever leads.
Status FetchCall::check_asked(const Partition& partition, const Part& part) const {
  if (reads_ == ReadFrom::kAnyReplica) return {};
  PENSTOCK_TRY(partition.check_epoch(part.epoch));
  return partition.check_ready();
}

Task<void> FetchCall::read_part(Shard& shard, Part& part) {
  const auto found = shard.find(part.id);
  if (!found) {
    part.status = fail(found.error());
    co_return;
  }
  const auto partition = (*found)->shared_from_this();  // it may be deleted while the disk is read
  part.status = check_asked(*partition, part);
  part.leader_epoch = partition->epoch();
  const std::uint64_t allowance = budget_.allowance(part.max_bytes);
  // A replica may not have heard yet of what the consumer knows from another one.
  const bool is_behind =
      reads_ == ReadFrom::kAnyReplica && part.offset > partition->high_watermark();
  if (part.status && allowance > 0 && !is_behind) {
    auto read = partition->read_cached(part.offset, allowance);
    if (!read && read.error().code() == Errc::kWouldBlock) {
      read = co_await partition->read(part.offset, allowance);
    }
    if (!read) {
      part.status = fail(std::move(read).error());
    } else if (budget_.take(read->batches.size())) {
      full_ |= read->next < partition->high_watermark();
      part.batches = std::move(read->batches);
    } else {
      full_ = true;
    }
  }
  part.high_watermark = partition->high_watermark();
  part.log_start = partition->log_start();
}

void FetchCall::watch_group(Shard& shard, const std::vector<std::size_t>& group) {
  auto& watchers = watchers_[shard.index()];
  watchers.resize(group.size());
  for (std::size_t i = 0; i < group.size(); ++i) {
    const Part& part = parts_[group[i]];
    const auto partition = shard.find(part.id);
    // Between its read and now, the disk may have been waited for.
    if (!partition || (*partition)->high_watermark() != part.high_watermark) return moved();
    if (!watchers[i]) watchers[i] = std::make_unique<Watcher>(*this);
    if (!watchers[i]->is_linked()) (*partition)->watch(*watchers[i]);
  }
}

// On any shard.
void FetchCall::moved() {
  if (home_.is_here()) return wake_.notify_all();
  if (wake_posted_.exchange(true)) return;
  asio::post(home_.executor(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->wake_posted_ = false;
    self->wake_.notify_all();
  });
}

// A watcher leaves its list on the shard of its partition.
void FetchCall::unwatch() {
  for (std::size_t s = 0; s < watchers_.size(); ++s) {
    if (watchers_[s].empty()) continue;
    if (broker_.shards[s].get() == &home_) {
      watchers_[s].clear();
    } else {
      asio::post(broker_.shards[s]->executor(),
                 [self = shared_from_this(), s] { self->watchers_[s].clear(); });
    }
  }
}

FetchResponse FetchCall::response() const {
  FetchResponse response;
  for (const Part& part : parts_) {
    auto& out = *response.add_partitions();
    out.set_leader_epoch(part.leader_epoch.value());
    out.set_high_watermark(part.high_watermark.value());
    out.set_log_start(part.log_start.value());
    if (!part.status) {
      broker_.metrics.request_failed(wire::Api::kFetch, part.status.error().code());
      wire::set_error(out, part.status.error());
      continue;
    }
    out.set_attachment_bytes(static_cast<std::uint32_t>(part.batches.size()));
    out.set_header_crc(header_crc(part.batches.view()));
  }
  return response;
}

std::vector<SharedBytes> FetchCall::attachment() const {
  std::vector<SharedBytes> parts;
  for (const Part& part : parts_) {
    if (part.status && !part.batches.empty()) parts.push_back(part.batches);
  }
  return parts;
}

}  // namespace penstock::broker
