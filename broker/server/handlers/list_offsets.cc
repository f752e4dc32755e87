#include "broker/server/handlers/handlers.h"
#include "broker/server/limits.h"
#include "protocol/wire/error_message.h"

namespace penstock::broker {
namespace {

using wire::v1::ListOffsetsRequest;
using wire::v1::ListOffsetsResponse;
using Query = ListOffsetsRequest::Query;
using Answer = ListOffsetsResponse::Answer;

Status answer_record(Result<std::optional<storage::TimestampOffset>> found, Answer& out) {
  PENSTOCK_TRY(found);
  if (*found) {
    out.set_offset((*found)->offset.value());
    out.set_timestamp_ms((*found)->timestamp.ms());
  }
  return {};
}

// On the partition's shard.
Status answer(const Shard& shard, const TopicPartition& id, const Query& query, Answer& out) {
  PENSTOCK_TRY_ASSIGN(Partition* const partition, shard.find(id));
  PENSTOCK_TRY(partition->check_epoch(Term(query.leader_epoch())));
  // Only a leader knows the log's ends, and before it is ready, records may come to light that are
  // committed already.
  PENSTOCK_TRY(partition->check_ready());
  out.set_leader_epoch(partition->epoch().value());
  switch (query.at_case()) {
    case Query::kEarliest:
      out.set_offset(partition->log_start().value());
      return {};
    case Query::kLatest:
      out.set_offset(partition->high_watermark().value());
      return {};
    case Query::kTimestampMs:
      return answer_record(partition->find_timestamp(Timestamp(query.timestamp_ms())), out);
    case Query::kMaxTimestamp:
      return answer_record(partition->max_timestamp(), out);
    case Query::AT_NOT_SET:
      break;
  }
  return fail(Errc::kInvalidArgument,
              "a query asks for earliest, latest, timestamp_ms or max_timestamp");
}

}  // namespace

Task<Result<ListOffsetsResponse>> list_offsets(Call call, ListOffsetsRequest request) {
  PENSTOCK_CO_TRY(check_count(request.queries_size(), kMaxPartitionsPerRequest, "queries"));
  ListOffsetsResponse response;
  std::vector<TopicPartition> ids;
  for (const Query& query : request.queries()) {
    Answer& out = *response.add_answers();
    out.set_offset(-1);
    out.set_timestamp_ms(-1);
    out.set_leader_epoch(-1);
    PENSTOCK_CO_TRY_ASSIGN(ids.emplace_back(), partition_id(query.topic_id(), query.partition()));
  }
  const auto groups = by_shard(call.broker, ids);
  for (std::size_t s = 0; s < groups.size(); ++s) {
    if (groups[s].empty()) continue;
    Shard& shard = *call.broker.shards[s];
    co_await run_on(shard.executor(), [&] {
      for (const std::size_t i : groups[s]) {
        const int row = static_cast<int>(i);
        Answer& out = *response.mutable_answers(row);
        const Status status = answer(shard, ids[i], request.queries(row), out);
        if (!status) wire::set_error(out, status.error());
      }
      return Status{};
    });
  }
  co_return response;
}

}  // namespace penstock::broker
