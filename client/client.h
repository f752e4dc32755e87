// Client: one connection pool and metadata cache for a cluster, with one I/O thread of its own.
//
//   auto client = Client::open({.bootstrap = {{"127.0.0.1", 7333}}});
//   (*client)->admin().create_topic({.name = "orders", .partitions = 3});
//
// Threads: all methods from any thread; they block their caller only. The client runs exactly one
// thread, on which no callback of the application ever runs. Lifetime: producers and consumers are
// closed before the client they were opened with. Failure: open() tries every bootstrap address
// once (kConnectFailed names each and why). Later calls reconnect by themselves; what an error
// means for the caller's data is in docs/client.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "client/cluster_status.h"
#include "client/config.h"
#include "client/group_admin.h"

namespace penstock::client {

struct PartitionDescription {
  PartitionId partition;
  std::int32_t leader = -1;
  Term leader_epoch;
  Offset log_start;       // with offsets only
  Offset high_watermark;  // with offsets only
  std::uint64_t size_bytes = 0;
  std::vector<std::int32_t> replicas{};  // brokers that hold it
  std::optional<Error> error;
};

struct SettingDescription {
  std::string name;
  std::string value;
  bool is_default = false;
};

struct TopicDescription {
  std::string name;
  Uuid id;
  std::vector<PartitionDescription> partitions;
  std::vector<SettingDescription> settings;
  bool internal = false;
};

struct BrokerDescription {
  std::int32_t id = -1;
  rpc::Endpoint endpoint;
};

struct ClusterDescription {
  Uuid cluster_id;
  std::int32_t controller = -1;
  std::vector<BrokerDescription> brokers;
  std::string software;
  std::uint64_t uptime_ms = 0;
  std::uint64_t disk_total_bytes = 0;
  std::uint64_t disk_available_bytes = 0;
  bool disk_full = false;
};

struct NewTopic {
  std::string name;
  std::uint32_t partitions = 1;
  std::uint32_t replication_factor = 0;  // the cluster's default
  std::map<std::string, std::string> settings{};
};

struct TopicChange {
  std::string name;
  std::map<std::string, std::string> set{};
  std::vector<std::string> reset{};
  std::uint32_t partitions = 0;  // 0: unchanged
};

struct OffsetAnswer {
  PartitionId partition;
  Offset offset;        // high watermark when no record matches a time
  Timestamp timestamp;  // of the record found, else -1
};

class Client;

// Administration; reached through Client::admin().
class Admin {
 public:
  Result<Uuid> create_topic(const NewTopic& topic);
  Status delete_topic(const std::string& name);
  Status alter_topic(const TopicChange& change);
  // All topics when `names` is empty. A name that does not exist is kUnknownTopic for the whole
  // call.
  Result<std::vector<TopicDescription>> describe_topics(const std::vector<std::string>& names = {});
  Result<ClusterDescription> describe_cluster();
  // For every partition of the topic, in order.
  Result<std::vector<OffsetAnswer>> list_offsets(const std::string& topic, StartAt at);
  // Makes records below `before` unreadable; returns the new log start.
  Result<Offset> delete_records(const std::string& topic, PartitionId partition, Offset before);

  // As the brokers' leaders see it now; those that do not answer are named in it.
  Result<ClusterStatus> cluster_status();
  // Returned means decided and durable, not carried out: cluster_status() tells how far it is.
  Status alter_cluster(const ClusterChange& change);

  // Consumer groups. kUnknownGroup; kGroupNotEmpty while members are there.
  Result<std::vector<GroupListing>> list_groups();
  Result<GroupDescription> describe_group(const std::string& group);
  // ... and why it does not move.
  Result<GroupDescription> explain_group(const std::string& group, const LogEnds& log_ends);
  // Sets positions from outside; all of them or none, as long as they are at most 2,000.
  Result<std::vector<GroupResetDone>> reset_group(const std::string& group,
                                                  const std::vector<GroupReset>& changes,
                                                  Rehearsal rehearsal);
  Status delete_group(const std::string& group);

 private:
  friend class Client;
  explicit Admin(Client& client) : client_(client) {}
  Client& client_;
};

class Client {
 public:
  static Result<std::unique_ptr<Client>> open(ClientConfig config);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Admin& admin() { return admin_; }

  class Io;  // the I/O thread and the asynchronous cluster behind it
  Io& io() { return *io_; }

 private:
  explicit Client(std::unique_ptr<Io> io);
  std::unique_ptr<Io> io_;
  Admin admin_{*this};
};

}  // namespace penstock::client
