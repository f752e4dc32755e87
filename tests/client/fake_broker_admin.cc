// FakeBroker: metadata, offsets and administration.
#include <utility>

#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"
#include "tests/client/fake_broker.h"
#include "tests/client/fake_broker_message.h"

namespace penstock::client {

rpc::Response FakeBroker::describe_topics(const rpc::Request& request) {
  const auto message = parse<wire::v1::DescribeTopicsRequest>(request);
  ++metadata_requests_;
  wire::v1::DescribeTopicsResponse response;
  response.set_metadata_offset(frozen_ ? 1 : world_.metadata_offset);
  if (not_ready_ > 0) {
    --not_ready_;
    wire::set_error(response, Error(Errc::kNotReady));
    return answer(response);
  }
  for (const auto& [id, other] : world_.brokers) {
    auto* const broker = response.add_brokers();
    broker->set_id(id);
    broker->set_host("127.0.0.1");
    broker->set_port(other->port_);
  }
  const auto& topics = frozen_ ? *frozen_ : world_.topics;
  std::vector<std::string> names(message.names().begin(), message.names().end());
  if (names.empty()) {
    for (const auto& [name, topic] : topics) names.push_back(name);
  }
  for (const std::string& name : names) {
    auto* const out = response.add_topics();
    out->set_name(name);
    const auto it = topics.find(name);
    if (it == topics.end() || unheard_.contains(name)) {
      wire::set_error(*out, Error(Errc::kUnknownTopic, name));
      continue;
    }
    out->set_topic_id(wire::to_wire(it->second.id));
    for (std::size_t i = 0; i < it->second.logs.size(); ++i) {
      auto* const partition = out->add_partitions();
      partition->set_partition(static_cast<int>(i));
      partition->set_leader(it->second.logs[i].leader);
      partition->set_leader_epoch(it->second.logs[i].epoch);
      for (const auto& [id, other] : world_.brokers) partition->add_replicas(id);
      partition->set_log_start(it->second.logs[i].start.value());
      partition->set_high_watermark(it->second.logs[i].end.value());
    }
  }
  return answer(response);
}

rpc::Response FakeBroker::describe_cluster(const rpc::Request& /*request*/) {
  wire::v1::DescribeClusterResponse response;
  response.set_cluster_id(wire::to_wire(uuid_of(options_.cluster)));
  response.set_software("fake");
  for (const auto& [id, other] : world_.brokers) {
    auto* const broker = response.add_brokers();
    broker->set_id(id);
    broker->set_host("127.0.0.1");
    broker->set_port(other->port_);
  }
  return answer(response);
}

rpc::Response FakeBroker::list_offsets(const rpc::Request& request) {
  const auto message = parse<wire::v1::ListOffsetsRequest>(request);
  wire::v1::ListOffsetsResponse response;
  for (const auto& query : message.queries()) {
    auto* const out = response.add_answers();
    const auto log = find_log(query.topic_id(), query.partition(), query.leader_epoch());
    if (!log) {
      wire::set_error(*out, log.error());
      continue;
    }
    out->set_timestamp_ms(-1);
    if (query.has_earliest()) {
      out->set_offset((*log)->start.value());
    } else if (query.has_latest()) {
      out->set_offset((*log)->end.value());
    } else {
      out->set_offset(-1);  // every record of the fake is from 1970
    }
  }
  return answer(response);
}

rpc::Response FakeBroker::create(const rpc::Request& request) {
  const auto message = parse<wire::v1::CreateTopicRequest>(request);
  wire::v1::CreateTopicResponse response;
  if (world_.topics.contains(message.name())) {
    wire::set_error(response, Error(Errc::kTopicExists, message.name()));
  } else {
    FakeTopic& topic = world_.topics[message.name()];
    topic.id = uuid_of(world_.next_topic++);
    topic.logs.resize(message.partitions());
    for (FakeLog& log : topic.logs) log.leader = id_;
    response.set_topic_id(wire::to_wire(topic.id));
  }
  return answer(response);
}

rpc::Response FakeBroker::remove(const rpc::Request& request) {
  const auto message = parse<wire::v1::DeleteTopicRequest>(request);
  wire::v1::DeleteTopicResponse response;
  if (world_.topics.erase(message.name()) == 0) {
    wire::set_error(response, Error(Errc::kUnknownTopic, message.name()));
  }
  return answer(response);
}

rpc::Response FakeBroker::alter(const rpc::Request& request) {
  const auto message = parse<wire::v1::AlterTopicRequest>(request);
  wire::v1::AlterTopicResponse response;
  auto& logs = world_.topics[message.name()].logs;
  if (message.partitions() > logs.size()) {
    logs.resize(message.partitions());
    for (FakeLog& log : logs) log.leader = logs.front().leader;
  } else if (message.partitions() > 0) {
    wire::set_error(response, Error(Errc::kInvalidArgument, "it has as many already"));
  }
  if (std::exchange(cut_after_alter_, false)) cut_soon();
  return answer(response);
}

rpc::Response FakeBroker::delete_records(const rpc::Request& request) {
  const auto message = parse<wire::v1::DeleteRecordsRequest>(request);
  wire::v1::DeleteRecordsResponse response;
  for (const auto& range : message.ranges()) {
    auto* const out = response.add_answers();
    const auto log = find_log(range.topic_id(), range.partition(), -1);
    if (!log) {
      wire::set_error(*out, log.error());
      continue;
    }
    (*log)->start = range.before() < 0 ? (*log)->end : Offset(range.before());
    out->set_log_start((*log)->start.value());
  }
  return answer(response);
}

rpc::Response FakeBroker::cluster_status(const rpc::Request& /*request*/) {
  return answer(world_.status);
}

rpc::Response FakeBroker::alter_cluster(const rpc::Request& request) {
  world_.alterations.push_back(parse<wire::v1::AlterClusterRequest>(request));
  wire::v1::AlterClusterResponse response;
  response.set_metadata_offset(static_cast<std::int64_t>(world_.alterations.size()));
  return answer(response);
}

}  // namespace penstock::client
