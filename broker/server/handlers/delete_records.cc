#include "broker/server/handlers/handlers.h"
#include "broker/server/limits.h"
#include "protocol/wire/error_message.h"

namespace penstock::broker {
namespace {

using wire::v1::DeleteRecordsRequest;
using wire::v1::DeleteRecordsResponse;

// On the partition's shard.
void delete_range(const Shard& shard, const TopicPartition& id, Offset before,
                  DeleteRecordsResponse::Answer& out) {
  const auto partition = shard.find(id);
  if (!partition) return wire::set_error(out, partition.error());
  if (const Status leads = (*partition)->check_ready(); !leads) {
    return wire::set_error(out, leads.error());
  }
  const auto log_start = (*partition)->delete_records(before);
  if (!log_start) return wire::set_error(out, log_start.error());
  out.set_log_start(log_start->value());
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
    co_await run_on(shard.executor(), [&] {
      for (const std::size_t i : groups[s]) {
        const int row = static_cast<int>(i);
        delete_range(shard, ids[i], Offset(request.ranges(row).before()),
                     *response.mutable_answers(row));
      }
      return Status{};
    });
  }
  co_return response;
}

}  // namespace penstock::broker
