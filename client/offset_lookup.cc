#include "client/offset_lookup.h"

#include <algorithm>
#include <utility>

#include "client/limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/metadata.pb.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

void to_wire(const OffsetQuery& query, wire::v1::ListOffsetsRequest::Query& out) {
  out.set_topic_id(wire::to_wire(query.id.topic));
  out.set_partition(query.id.partition.value());
  out.set_leader_epoch(query.known.leader_epoch.value());
  switch (query.at.kind) {
    case StartAt::Kind::kBeginning:
      out.set_earliest(true);
      break;
    case StartAt::Kind::kTime:
      out.set_timestamp_ms(query.at.value);
      break;
    case StartAt::Kind::kEnd:
    case StartAt::Kind::kOffset:
      out.set_latest(true);
      break;
  }
}

}  // namespace

Status said_by_leader(Status status) {
  if (status) return status;
  const Errc code = status.error().code();
  if (code != Errc::kUnknownTopic && code != Errc::kUnknownPartition) return status;
  return fail(Errc::kNotReady, "its leader does not know it (" + status.error().to_string() + ")");
}

namespace {

// Queries of one leader by their index in the whole, at most as many as one request may hold.
Task<Status> ask(Cluster& cluster, BrokerId leader, const std::vector<OffsetQuery>& queries,
                 std::vector<std::size_t> which, std::vector<OffsetAnswer>& answers,
                 rpc::Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(auto channel, co_await cluster.connect(leader, Lane::kRequests, deadline));
  wire::v1::ListOffsetsRequest request;
  for (const std::size_t i : which) to_wire(queries[i], *request.add_queries());
  PENSTOCK_CO_TRY_ASSIGN(auto reply,
                         (co_await rpc::call<wire::v1::ListOffsetsResponse>(
                             *channel, wire::Api::kListOffsets, request, {}, deadline)));
  if (static_cast<std::size_t>(reply.message.answers_size()) != which.size()) {
    co_return fail(Errc::kBadFrame, "ListOffsets was answered for other partitions than asked");
  }
  for (std::size_t i = 0; i < which.size(); ++i) {
    const auto& answer = reply.message.answers(static_cast<int>(i));
    const OffsetQuery& query = queries[which[i]];
    if (Status status = said_by_leader(wire::status_of(answer)); !status) {
      co_return fail(std::move(status).error().context("offsets of " + query.topic + "/" +
                                                       std::to_string(query.id.partition.value())));
    }
    answers[which[i]] = {.partition = query.id.partition,
                         .offset = Offset(answer.offset()),
                         .timestamp = Timestamp(answer.timestamp_ms())};
  }
  co_return Status{};
}

Task<Status> ask_all(Cluster& cluster, const std::vector<OffsetQuery>& queries,
                     std::vector<std::size_t> which, std::vector<OffsetAnswer>& answers,
                     rpc::Deadline deadline) {
  std::map<BrokerId, std::vector<std::size_t>> by_leader;
  for (const std::size_t i : which) {
    const OffsetQuery& query = queries[i];
    if (query.known.leader == kNoBroker) {
      co_return fail(no_leader(query.topic, query.id.partition, query.known.replicas));
    }
    by_leader[query.known.leader].push_back(i);
  }
  for (const auto& [leader, all] : by_leader) {
    for (std::size_t at = 0; at < all.size(); at += kMaxPartitionsPerRequest) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
      const auto size = std::min(kMaxPartitionsPerRequest, all.size() - at);
      PENSTOCK_CO_TRY(co_await ask(cluster, leader, queries,
                                   {begin, begin + static_cast<std::ptrdiff_t>(size)}, answers,
                                   deadline));
    }
  }
  co_return Status{};
}

}  // namespace

Task<Result<std::vector<OffsetAnswer>>> look_up_offsets(Cluster& cluster,
                                                        std::vector<OffsetQuery> queries,
                                                        rpc::Deadline deadline) {
  std::vector<OffsetAnswer> answers(queries.size());
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < queries.size(); ++i) which.push_back(i);
  PENSTOCK_CO_TRY(co_await ask_all(cluster, queries, which, answers, deadline));
  // No record is that young: the end, where the next one will be.
  which.clear();
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (answers[i].offset >= Offset(0)) continue;
    queries[i].at = StartAt::end();
    which.push_back(i);
  }
  PENSTOCK_CO_TRY(co_await ask_all(cluster, queries, which, answers, deadline));
  co_return answers;
}

}  // namespace penstock::client
