#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "protocol/wire/error_message.h"

namespace penstock::broker {
namespace {

using wire::v1::DeleteRecordsRequest;
using wire::v1::DeleteRecordsResponse;

Task<void> delete_range(const Shard& shard, TopicPartition id, Offset before,
                        DeleteRecordsResponse::Answer& out) {
  const auto partition = shard.find(id);
  if (!partition) co_return wire::set_error(out, partition.error());
  const auto log_start = co_await (*partition)->delete_for_all(before);
  if (!log_start) co_return wire::set_error(out, log_start.error());
  out.set_log_start(log_start->value());
}

// On the shard of all partitions of `rows`.
Task<Status> delete_ranges(const Shard& shard, const std::vector<std::size_t>& rows,
                           const std::vector<TopicPartition>& ids,
                           const DeleteRecordsRequest& request, DeleteRecordsResponse& response) {
  for (const std::size_t i : rows) {
    const int row = static_cast<int>(i);
    co_await delete_range(shard, ids[i], Offset(request.ranges(row).before()),
                          *response.mutable_answers(row));
  }
  co_return Status{};
}

}  // namespace

Task<Result<DeleteRecordsResponse>> delete_records(Call call, DeleteRecordsRequest request) {
  PENSTOCK_CO_TRY(check_count(request.ranges_size(), kMaxPartitionsPerRequest, "ranges"));
  DeleteRecordsResponse response;
  std::vector<TopicPartition> ids;
  for (const auto& range : request.ranges()) {
    response.add_answers();
    PENSTOCK_CO_TRY_ASSIGN(ids.emplace_back(), partition_id(range.topic_id(), range.partition()));
  }
  const auto groups = by_shard(call.broker, ids);
  for (std::size_t s = 0; s < groups.size(); ++s) {
    if (groups[s].empty()) continue;
    Shard& shard = *call.broker.shards[s];
    co_await call_on(shard.executor(), delete_ranges(shard, groups[s], ids, request, response));
  }
  co_return response;
}

}  // namespace penstock::broker
