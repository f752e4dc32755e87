// The handlers, one file an API or family of them: a request's message in, an answer or an error
// out.
//
// Threads: each is called on the shard of its connection (`home`) and comes back there; what
// belongs to another shard is done there. Failure: a returned Error becomes the answer's `error`
// field; errors of single partitions stand in the answer.
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "broker/server/broker_context.h"
#include "protocol/rpc/server.h"
#include "protocol/wire/cluster.pb.h"
#include "protocol/wire/data.pb.h"
#include "protocol/wire/groups.pb.h"
#include "protocol/wire/metadata.pb.h"

namespace penstock::broker {

// What every handler gets beside its message.
struct Call {
  BrokerContext& broker;
  Shard& home;
  rpc::Request request;
};

Task<Result<wire::v1::DescribeClusterResponse>> describe_cluster(
    Call call, wire::v1::DescribeClusterRequest request);
Task<Result<wire::v1::DescribeTopicsResponse>> describe_topics(
    Call call, wire::v1::DescribeTopicsRequest request);
Task<Result<wire::v1::CreateTopicResponse>> create_topic(Call call,
                                                         wire::v1::CreateTopicRequest request);
Task<Result<wire::v1::DeleteTopicResponse>> delete_topic(Call call,
                                                         wire::v1::DeleteTopicRequest request);
Task<Result<wire::v1::AlterTopicResponse>> alter_topic(Call call,
                                                       wire::v1::AlterTopicRequest request);
Task<Result<wire::v1::ListOffsetsResponse>> list_offsets(Call call,
                                                         wire::v1::ListOffsetsRequest request);
Task<Result<wire::v1::DeleteRecordsResponse>> delete_records(
    Call call, wire::v1::DeleteRecordsRequest request);
Task<Result<wire::v1::InitProducerResponse>> init_producer(Call call,
                                                           wire::v1::InitProducerRequest request);
Task<Result<wire::v1::JoinResponse>> join(Call call, wire::v1::JoinRequest request);
Task<Result<wire::v1::ClusterStatusResponse>> cluster_status(
    Call call, wire::v1::ClusterStatusRequest request);
// Carried out here: at the controller, or, to transfer leadership, at the partition's leader;
// kNotLeader else.
Task<Result<wire::v1::AlterClusterResponse>> alter_cluster(Call call,
                                                           wire::v1::AlterClusterRequest request);
// A client's transfer of leadership: here if the leader is here, else handed to the leader. The
// head of the partition's list takes leadership back after a while; to prefer another one for good,
// move the replicas with that one first.
Task<Result<wire::v1::AlterClusterResponse>> transfer_leader(Call call,
                                                             wire::v1::AlterClusterRequest request);
// Consumer groups. Any broker finds the coordinator (and, being the controller, makes the topic
// that holds groups); the others are carried out at the coordinator, kNotLeader else.
Task<Result<wire::v1::FindCoordinatorResponse>> find_coordinator(
    Call call, wire::v1::FindCoordinatorRequest request);
Task<Result<wire::v1::GroupHeartbeatResponse>> group_heartbeat(
    Call call, wire::v1::GroupHeartbeatRequest request);
Task<Result<wire::v1::LeaveGroupResponse>> leave_group(Call call,
                                                       wire::v1::LeaveGroupRequest request);
Task<Result<wire::v1::CommitOffsetsResponse>> commit_offsets(
    Call call, wire::v1::CommitOffsetsRequest request);
Task<Result<wire::v1::FetchOffsetsResponse>> fetch_offsets(Call call,
                                                           wire::v1::FetchOffsetsRequest request);
Task<Result<wire::v1::ResetOffsetsResponse>> reset_offsets(Call call,
                                                           wire::v1::ResetOffsetsRequest request);
Task<Result<wire::v1::DeleteGroupResponse>> delete_group(Call call,
                                                         wire::v1::DeleteGroupRequest request);
Task<Result<wire::v1::ListGroupsResponse>> list_groups(Call call,
                                                       wire::v1::ListGroupsRequest request);
Task<Result<wire::v1::DescribeGroupResponse>> describe_group(
    Call call, wire::v1::DescribeGroupRequest request);
// These carry attachments and run on the hot path.
Task<rpc::Response> produce(Call call);
Task<rpc::Response> fetch(Call call);
Task<rpc::Response> exchange(Call call);

// --- shared by several

// The partition that a request names.
Result<TopicPartition> partition_id(std::string_view topic_id, std::int32_t partition);

// kInvalidArgument for a topic that brokers alone make, change and delete.
Status check_not_internal(std::string_view topic);

// kInvalidArgument when a list is over its limit.
Status check_count(int count, int limit, std::string_view what);

// Addresses of the cluster's brokers as this client can reach them.
void add_brokers(const Call& call, google::protobuf::RepeatedPtrField<wire::v1::Broker>* brokers);

// Indices of `ids` by the shard that their partitions live on.
std::vector<std::vector<std::size_t>> by_shard(const BrokerContext& broker,
                                               const std::vector<TopicPartition>& ids);

}  // namespace penstock::broker
