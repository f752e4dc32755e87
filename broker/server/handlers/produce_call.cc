#include "broker/server/handlers/produce_call.h"

#include "broker/server/limits.h"
#include "protocol/wire/error_message.h"

namespace penstock::broker {

using wire::v1::ProduceRequest;
using wire::v1::ProduceResponse;

Status ProduceCall::prepare(const ProduceRequest& request) {
  PENSTOCK_TRY(check_count(request.partitions_size(), kMaxPartitionsPerRequest, "partitions"));
  if (request.durability() == wire::v1::DURABILITY_FSYNCED) {
    durability_ = Durability::kFsynced;
  } else if (request.durability() == wire::v1::DURABILITY_WRITTEN) {
    durability_ = Durability::kWritten;
  } else if (request.durability() != wire::v1::DURABILITY_TOPIC_DEFAULT) {
    return fail(Errc::kInvalidArgument,
                "durability " + std::to_string(request.durability()) + " is unknown");
  }
  const std::int64_t timeout_ms =
      request.timeout_ms() == 0 ? kDefaultProduceTimeout.count() : request.timeout_ms();
  deadline_ns_ = call_.home.clock().steady_ns() + timeout_ms * 1'000'000;

  groups_.resize(call_.broker.shards.size());
  order_.reserve(static_cast<std::size_t>(request.partitions_size()));
  MutableByteView rest = call_.request.mutable_attachment;
  for (const auto& data : request.partitions()) {
    PENSTOCK_TRY_ASSIGN(const TopicPartition id, partition_id(data.topic_id(), data.partition()));
    if (data.attachment_bytes() > rest.size()) {
      return fail(Errc::kInvalidArgument, "the attachment ends before the part of partition " +
                                              std::to_string(data.partition()) +
                                              ": nothing was appended");
    }
    const std::size_t shard = call_.broker.shard_index(id);
    std::vector<Part>& parts = groups_[shard].parts;
    order_.push_back({shard, parts.size()});
    Part& part = parts.emplace_back();
    part.id = id;
    part.epoch = Term(data.leader_epoch());
    part.bytes = rest.first(data.attachment_bytes());
    rest = rest.subspan(data.attachment_bytes());
  }
  if (!rest.empty()) {
    return fail(Errc::kInvalidArgument, std::to_string(rest.size()) +
                                            " bytes of the attachment belong to no partition: "
                                            "nothing was appended");
  }
  return {};
}

void ProduceCall::start() {
  for (const Group& group : groups_) groups_under_way_ += group.parts.empty() ? 0 : 1;
  groups_to_append_ = groups_under_way_;
  for (std::size_t s = 0; s < groups_.size(); ++s) {
    Group& group = groups_[s];
    if (group.parts.empty()) continue;
    Shard& shard = *call_.broker.shards[s];
    if (&shard == &call_.home) {
      run_group(shard, group);
    } else {
      asio::post(shard.executor(),
                 [self = shared_from_this(), &shard, &group] { self->run_group(shard, group); });
    }
  }
}

// On the group's shard.
void ProduceCall::run_group(Shard& shard, Group& group) {
  group.waiting = group.parts.size() + 1;  // one for this loop
  for (Part& part : group.parts) append(shard, group, part);
  bytes_are_taken();
  part_ended(shard, group);
}

// On the shard of a group; the last one lets go of what all of them have read.
void ProduceCall::bytes_are_taken() {
  if (groups_to_append_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  call_.request.message = {};
  call_.request.attachment = {};
  call_.request.mutable_attachment = {};
}

void ProduceCall::append(Shard& shard, Group& group, Part& part) {
  const auto found = shard.find(part.id);
  if (!found) {
    part.appended = fail(found.error());
    return part_ended(shard, group);
  }
  Partition& partition = **found;
  part.leader_epoch = partition.epoch();
  part.durability = partition.answers_when(durability_);
  if (Status fenced = partition.check_epoch(part.epoch); !fenced) {
    part.appended = fail(std::move(fenced).error());
  } else {
    part.appended = partition.append(std::exchange(part.bytes, {}));
  }
  part.log_start = partition.log_start();
  if (part.appended && part.durability == Durability::kWritten) take_receipt(partition, part);
  if (!part.appended || part.durability == Durability::kWritten) return part_ended(shard, group);
  partition.when_committed(
      part.appended->end(), part.appended->term,
      [self = shared_from_this(), &partition, &shard, &group, &part](const Status& committed) {
        if (committed) {
          take_receipt(partition, part);
        } else {
          part.appended = fail(committed.error());
        }
        self->part_ended(shard, group);
      });
}

// On the partition's shard, when the records' outcome is decided.
void ProduceCall::take_receipt(const Partition& partition, Part& part) {
  part.replicas = partition.replicas();
  part.replicas_fsynced = partition.replicas_durable_at(part.appended->end());
}

void ProduceCall::part_ended(Shard& shard, Group& group) {
  if (--group.waiting > 0) return;
  group.durable_ns = shard.clock().steady_ns();
  if (&shard == &call_.home) return group_done(group);
  asio::post(call_.home.executor(),
             [self = shared_from_this(), &group] { self->group_done(group); });
}

void ProduceCall::group_done(Group& group) {
  group.done = true;
  call_.broker.metrics.reply_delayed(call_.home.clock().steady_ns() - group.durable_ns);
  if (--groups_under_way_ == 0 && resume_) std::exchange(resume_, nullptr)();
}

Task<void> ProduceCall::wait() {
  if (groups_under_way_ == 0) co_return;
  call_.home.add_waiting(*this);
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [this](auto handler) {
        resume_ = [handler = std::move(handler)]() mutable { std::move(handler)(); };
      },
      asio::use_awaitable);
  unlink();
}

void ProduceCall::time_passed(std::int64_t now_ns) {
  if (now_ns < deadline_ns_ || !resume_) return;
  expired_ = true;
  std::exchange(resume_, nullptr)();
}

void ProduceCall::answer(const Part& part, ProduceResponse::PartitionAnswer& out) const {
  out.set_append_time_ms(-1);
  out.set_base_offset(-1);
  out.set_last_offset(-1);
  out.set_log_start(part.log_start.value());
  out.set_leader_epoch(part.leader_epoch.value());
  if (!part.appended) {
    call_.broker.metrics.request_failed(wire::Api::kProduce, part.appended.error().code());
    return wire::set_error(out, part.appended.error());
  }
  out.set_base_offset(part.appended->base_offset.value());
  out.set_last_offset(part.appended->last_offset.value());
  out.set_append_time_ms(part.appended->append_time.ms());
  for (const Offset base : part.appended->batches) out.add_batch_offsets(base.value());
  wire::v1::Receipt& receipt = *out.mutable_receipt();
  receipt.set_replicas_fsynced(part.replicas_fsynced);
  receipt.set_replicas_written(std::max(part.replicas_fsynced, 1U));  // here, at least
  receipt.set_replicas(part.replicas);
}

ProduceResponse ProduceCall::response() const {
  ProduceResponse response;
  for (const Place& place : order_) {
    const Group& group = groups_[place.shard];
    auto& out = *response.add_partitions();
    if (group.done) {
      answer(group.parts[place.index], out);
    } else {
      call_.broker.metrics.request_failed(wire::Api::kProduce, Errc::kTimeout);
      wire::set_error(out, Error(Errc::kTimeout,
                                 "the disk did not answer within timeout_ms; whether the records "
                                 "were appended is unknown"));
    }
  }
  return response;
}

}  // namespace penstock::broker
