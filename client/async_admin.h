// AsyncAdmin: administration as coroutines; what client::Admin offers, on the cluster's executor.
//
// Every call tries again after errors that may pass, until the client's request_timeout. Failure:
// an operation whose answer was lost is tried again too; if the second attempt finds the work done
// (the topic exists, or is gone), the error says that the first one may have done it, and
// delete_topic() succeeds. Arguments are held by reference to what the caller keeps until the call
// has ended.
#pragma once

#include <string>
#include <vector>

#include "client/client.h"
#include "client/cluster.h"

namespace penstock::client {

class AsyncAdmin {
 public:
  explicit AsyncAdmin(Cluster& cluster) : cluster_(cluster) {}

  Task<Result<Uuid>> create_topic(const NewTopic& topic);
  Task<Status> delete_topic(const std::string& name);
  Task<Status> alter_topic(const TopicChange& change);
  Task<Result<std::vector<TopicDescription>>> describe_topics(
      const std::vector<std::string>& names);
  Task<Result<ClusterDescription>> describe_cluster();
  Task<Result<std::vector<OffsetAnswer>>> list_offsets(const std::string& topic, StartAt at);
  Task<Result<Offset>> delete_records(const std::string& topic, PartitionId partition,
                                      Offset before);
  Task<Result<ClusterStatus>> cluster_status();
  Task<Status> alter_cluster(const ClusterChange& change);

 private:
  // What earlier attempts of one operation may have left behind.
  struct History {
    std::uint32_t failures = 0;
    std::optional<Error> doubt;  // the first that may have been carried out

    // What to say of `last`: a refusal takes back nothing that an earlier attempt may have done.
    Error told(Error last) const;
  };

  template <typename Value, typename Once>
  Task<Result<Value>> with_retries(std::string what, History& history, Once once);
  // One round over the brokers.
  template <typename Response, typename Request>
  Task<Result<Response>> ask_any(wire::Api api, Request request, rpc::Deadline deadline);
  // Log starts and high watermarks as the leaders have them: whoever described the topics may be
  // behind, or hold nothing of them. What no leader tells is an error of the partition.
  Task<void> fill_offsets(std::vector<TopicDescription>& topics);
  // False: not all of them were told.
  Task<bool> fill_offsets_of(const TopicDescription& topic,
                             std::vector<PartitionDescription*> partitions);
  // A request for one partition's leader, as known at the moment.
  Task<Result<std::shared_ptr<rpc::Channel>>> leader_of(const std::string& topic,
                                                        PartitionId partition, Uuid& topic_id,
                                                        rpc::Deadline deadline);
  Task<Result<std::vector<OffsetAnswer>>> list_offsets_once(const std::string& topic, StartAt at,
                                                            rpc::Deadline deadline);
  Task<Result<Offset>> delete_records_once(const std::string& topic, PartitionId partition,
                                           Offset before, rpc::Deadline deadline);

  Cluster& cluster_;
};

}  // namespace penstock::client
