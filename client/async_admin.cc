#include "client/async_admin.h"

#include <type_traits>
#include <utility>

#include "client/admin_codec.h"
#include "client/cluster_codec.h"
#include "client/limits.h"
#include "client/offset_lookup.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

// What is wrong with an answer; one that does not parse is the caller's to tell.
template <typename Response>
Status judge(const SharedBytes& bytes) {
  Response response;
  if (!rpc::deserialize(bytes.view(), response)) return {};
  PENSTOCK_TRY(wire::status_of(response));
  if constexpr (std::is_same_v<Response, wire::v1::DescribeTopicsResponse>) {
    for (const wire::v1::Topic& topic : response.topics()) PENSTOCK_TRY(wire::status_of(topic));
  }
  return {};
}

}  // namespace

Error AsyncAdmin::History::told(Error last) const {
  if (!doubt || last.outcome() == Outcome::kMaybeDone) return last;
  return Error(*doubt).context("it may have been done all the same; a later attempt was refused (" +
                               last.to_string() + ")");
}

// Calls `once(deadline)` until it succeeds, fails for good, or the time is over.
template <typename Value, typename Once>
Task<Result<Value>> AsyncAdmin::with_retries(std::string what, History& history, Once once) {
  const auto deadline = steady_clock::now() + cluster_.config().request_timeout;
  while (true) {
    Result<Value> result = co_await once(deadline);
    if (result) co_return result;
    Error error = std::move(result).error();
    if (!error.retriable()) co_return fail(std::move(error).context(what));
    if (error.outcome() == Outcome::kMaybeDone && !history.doubt) history.doubt = error;
    const auto retry_at = steady_clock::now() + cluster_.pause(++history.failures);
    if (retry_at >= deadline) {
      const std::string tried = what + " (tried " + std::to_string(history.failures) +
                                " times within " +
                                std::to_string(cluster_.config().request_timeout.count()) + " ms";
      const bool in_doubt = history.doubt && error.outcome() == Outcome::kNotDone;
      if (!in_doubt) co_return fail(std::move(error).context(tried + ")"));
      co_return fail(Error(*history.doubt).context(tried + ", at last " + error.to_string() + ")"));
    }
    PENSTOCK_CO_TRY(co_await sleep_for(retry_at - steady_clock::now()));
  }
}

template <typename Response, typename Request>
Task<Result<Response>> AsyncAdmin::ask_any(wire::Api api, Request request, rpc::Deadline deadline) {
  const milliseconds patience = cluster_.config().request_timeout / kAttemptsPerCall;
  PENSTOCK_CO_TRY_ASSIGN(
      const SharedBytes bytes,
      co_await cluster_.ask_any(api, rpc::serialize(request), judge<Response>, patience, deadline));
  Response response;
  if (!rpc::deserialize(bytes.view(), response)) {
    co_return fail(Errc::kBadFrame,
                   std::string(wire::name(api)) + ": the answer is no such message");
  }
  PENSTOCK_CO_TRY(wire::status_of(response));
  co_return response;
}

Task<Result<Uuid>> AsyncAdmin::create_topic(const NewTopic& topic) {
  using Response = wire::v1::CreateTopicResponse;
  History history;
  auto result = co_await with_retries<Response>(
      "create topic " + topic.name, history, [&](rpc::Deadline deadline) {
        return ask_any<Response>(wire::Api::kCreateTopic, to_wire(topic), deadline);
      });
  if (!result && result.error().code() == Errc::kTopicExists && history.doubt) {
    co_return fail(std::move(result).error().context(
        "it may be this call that created it: an earlier attempt had no answer (" +
        history.doubt->to_string() + ")"));
  }
  if (!result) co_return std::unexpected(std::move(result).error());
  co_return wire::uuid_from_wire(result->topic_id(), "topic_id");
}

Task<Status> AsyncAdmin::delete_topic(const std::string& name) {
  using Response = wire::v1::DeleteTopicResponse;
  History history;
  auto result =
      co_await with_retries<Response>("delete topic " + name, history, [&](rpc::Deadline deadline) {
        wire::v1::DeleteTopicRequest request;
        request.set_name(name);
        return ask_any<Response>(wire::Api::kDeleteTopic, std::move(request), deadline);
      });
  if (result) co_return Status{};
  // Gone, and by an attempt of this call as far as anyone can know.
  if (result.error().code() == Errc::kUnknownTopic && history.doubt) co_return Status{};
  co_return fail(history.told(std::move(result).error()));
}

Task<Status> AsyncAdmin::alter_topic(const TopicChange& change) {
  using Response = wire::v1::AlterTopicResponse;
  History history;
  auto result = co_await with_retries<Response>(
      "alter topic " + change.name, history, [&](rpc::Deadline deadline) {
        return ask_any<Response>(wire::Api::kAlterTopic, to_wire(change), deadline);
      });
  if (!result) co_return fail(history.told(std::move(result).error()));
  co_return Status{};
}

Task<Result<std::vector<TopicDescription>>> AsyncAdmin::describe_topics(
    const std::vector<std::string>& names) {
  using Response = wire::v1::DescribeTopicsResponse;
  History history;
  auto result =
      co_await with_retries<Response>("describe topics", history, [&](rpc::Deadline deadline) {
        wire::v1::DescribeTopicsRequest request;
        for (const std::string& name : names) request.add_names(name);
        request.set_with_offsets(true);
        request.set_with_settings(true);
        return ask_any<Response>(wire::Api::kDescribeTopics, std::move(request), deadline);
      });
  if (!result) co_return std::unexpected(std::move(result).error());
  cluster_.note_brokers(*result);
  std::vector<TopicDescription> topics;
  for (const wire::v1::Topic& topic : result->topics()) {
    PENSTOCK_CO_TRY(wire::status_of(topic));
    PENSTOCK_CO_TRY_ASSIGN(topics.emplace_back(), description_from_wire(topic));
  }
  if (result->brokers_size() > 1) co_await fill_offsets(topics);
  co_return topics;
}

Task<void> AsyncAdmin::fill_offsets(std::vector<TopicDescription>& topics) {
  for (TopicDescription& topic : topics) {
    std::map<BrokerId, std::vector<PartitionDescription*>> by_leader;
    for (PartitionDescription& partition : topic.partitions) {
      by_leader[partition.leader].push_back(&partition);
    }
    for (const auto& [leader, partitions] : by_leader) {
      if (co_await fill_offsets_of(topic, partitions)) continue;
      // One of them may stand for the others: each alone.
      for (PartitionDescription* const partition : partitions) {
        if (partitions.size() > 1) co_await fill_offsets_of(topic, {partition});
      }
    }
  }
}

Task<bool> AsyncAdmin::fill_offsets_of(const TopicDescription& topic,
                                       std::vector<PartitionDescription*> partitions) {
  std::vector<OffsetQuery> queries;
  for (const StartAt at : {StartAt::beginning(), StartAt::end()}) {
    for (const PartitionDescription* partition : partitions) {
      queries.push_back({.topic = topic.name,
                         .id = {topic.id, partition->partition},
                         .known = {partition->leader, partition->leader_epoch, partition->replicas},
                         .at = at});
    }
  }
  const auto deadline =
      cluster_.attempt_deadline(steady_clock::now() + cluster_.config().request_timeout);
  const auto answers = co_await look_up_offsets(cluster_, std::move(queries), deadline);
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    PartitionDescription& partition = *partitions[i];
    const bool is_damaged = partition.error && partition.error->code() == Errc::kPartitionDamaged;
    if (!answers) {
      if (!is_damaged) partition.error = answers.error();
      continue;
    }
    partition.log_start = (*answers)[i].offset;
    partition.high_watermark = (*answers)[partitions.size() + i].offset;
    if (!is_damaged) partition.error.reset();
  }
  co_return answers.has_value();
}

Task<Result<ClusterDescription>> AsyncAdmin::describe_cluster() {
  using Response = wire::v1::DescribeClusterResponse;
  History history;
  auto result =
      co_await with_retries<Response>("describe cluster", history, [&](rpc::Deadline deadline) {
        return ask_any<Response>(wire::Api::kDescribeCluster, wire::v1::DescribeClusterRequest(),
                                 deadline);
      });
  if (!result) co_return std::unexpected(std::move(result).error());
  co_return description_from_wire(*result);
}

Task<Result<ClusterStatus>> AsyncAdmin::cluster_status() {
  using Response = wire::v1::ClusterStatusResponse;
  History history;
  auto result =
      co_await with_retries<Response>("cluster status", history, [&](rpc::Deadline deadline) {
        return ask_any<Response>(wire::Api::kClusterStatus, wire::v1::ClusterStatusRequest(),
                                 deadline);
      });
  if (!result) co_return std::unexpected(std::move(result).error());
  co_return status_from_wire(*result);
}

Task<Status> AsyncAdmin::alter_cluster(const ClusterChange& change) {
  using Response = wire::v1::AlterClusterResponse;
  History history;
  auto result =
      co_await with_retries<Response>(describe(change), history, [&](rpc::Deadline deadline) {
        return ask_any<Response>(wire::Api::kAlterCluster, to_wire(change), deadline);
      });
  if (!result) co_return fail(history.told(std::move(result).error()));
  co_return Status{};
}

Task<Result<std::vector<OffsetAnswer>>> AsyncAdmin::list_offsets(const std::string& topic,
                                                                 StartAt at) {
  if (at.kind == StartAt::Kind::kOffset) {
    co_return fail(Errc::kInvalidArgument, "list_offsets() looks up a place or a time, no offset");
  }
  History history;
  co_return co_await with_retries<std::vector<OffsetAnswer>>(
      "list offsets of " + topic, history,
      [&](rpc::Deadline deadline) { return list_offsets_once(topic, at, deadline); });
}

Task<Result<std::vector<OffsetAnswer>>> AsyncAdmin::list_offsets_once(const std::string& topic,
                                                                      StartAt at,
                                                                      rpc::Deadline deadline) {
  // Always as it is now: partitions may have been added, and leaders may have moved.
  deadline = cluster_.attempt_deadline(deadline);
  PENSTOCK_CO_TRY(co_await cluster_.refresh({topic}, deadline));
  PENSTOCK_CO_TRY_ASSIGN(const TopicMetadata known, co_await cluster_.topic(topic, deadline));
  std::vector<OffsetQuery> queries;
  for (std::size_t i = 0; i < known.partitions.size(); ++i) {
    const PartitionId partition(static_cast<std::int32_t>(i));
    queries.push_back(
        {.topic = topic, .id = {known.id, partition}, .known = known.partitions[i], .at = at});
  }
  co_return co_await look_up_offsets(cluster_, std::move(queries), deadline);
}

Task<Result<Offset>> AsyncAdmin::delete_records(const std::string& topic, PartitionId partition,
                                                Offset before) {
  History history;
  co_return co_await with_retries<Offset>(
      "delete records of " + topic + "/" + std::to_string(partition.value()), history,
      [&](rpc::Deadline deadline) {
        return delete_records_once(topic, partition, before, deadline);
      });
}

Task<Result<std::shared_ptr<rpc::Channel>>> AsyncAdmin::leader_of(const std::string& topic,
                                                                  PartitionId partition,
                                                                  Uuid& topic_id,
                                                                  rpc::Deadline deadline) {
  PENSTOCK_CO_TRY(co_await cluster_.refresh({topic}, deadline));
  PENSTOCK_CO_TRY_ASSIGN(const TopicMetadata known, co_await cluster_.topic(topic, deadline));
  if (!known.has(partition)) co_return fail(Errc::kUnknownPartition);
  const auto& place = known.partitions[static_cast<std::size_t>(partition.value())];
  if (place.leader == kNoBroker) co_return fail(no_leader(topic, partition, place.replicas));
  topic_id = known.id;
  co_return co_await cluster_.connect(place.leader, Lane::kRequests, deadline);
}

Task<Result<Offset>> AsyncAdmin::delete_records_once(const std::string& topic,
                                                     PartitionId partition, Offset before,
                                                     rpc::Deadline deadline) {
  deadline = cluster_.attempt_deadline(deadline);
  Uuid topic_id;
  PENSTOCK_CO_TRY_ASSIGN(auto channel, co_await leader_of(topic, partition, topic_id, deadline));
  wire::v1::DeleteRecordsRequest request;
  auto* const range = request.add_ranges();
  range->set_topic_id(wire::to_wire(topic_id));
  range->set_partition(partition.value());
  range->set_before(before.value());
  PENSTOCK_CO_TRY_ASSIGN(auto reply,
                         (co_await rpc::call<wire::v1::DeleteRecordsResponse>(
                             *channel, wire::Api::kDeleteRecords, request, {}, deadline)));
  if (reply.message.answers_size() != 1) {
    co_return fail(Errc::kBadFrame, "DeleteRecords was answered for other partitions than asked");
  }
  const auto& answer = reply.message.answers(0);
  PENSTOCK_CO_TRY(said_by_leader(wire::status_of(answer)));
  co_return Offset(answer.log_start());
}

}  // namespace penstock::client
