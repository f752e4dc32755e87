// The blocking face of the client: each call is its coroutine, run on the client's thread.
#include "client/client.h"

#include <utility>

#include "client/async_groups.h"
#include "client/io_thread.h"

namespace penstock::client {

Client::Client(std::unique_ptr<Io> io) : io_(std::move(io)) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::open(ClientConfig config) {
  auto io = std::make_unique<Io>(std::move(config));
  PENSTOCK_TRY(io->run([&] { return io->cluster().open(); }));
  return std::unique_ptr<Client>(new Client(std::move(io)));
}

Result<Uuid> Admin::create_topic(const NewTopic& topic) {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().create_topic(topic); });
}

Status Admin::delete_topic(const std::string& name) {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().delete_topic(name); });
}

Status Admin::alter_topic(const TopicChange& change) {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().alter_topic(change); });
}

Result<std::vector<TopicDescription>> Admin::describe_topics(
    const std::vector<std::string>& names) {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().describe_topics(names); });
}

Result<ClusterDescription> Admin::describe_cluster() {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().describe_cluster(); });
}

Result<std::vector<OffsetAnswer>> Admin::list_offsets(const std::string& topic, StartAt at) {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().list_offsets(topic, at); });
}

Result<Offset> Admin::delete_records(const std::string& topic, PartitionId partition,
                                     Offset before) {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().delete_records(topic, partition, before); });
}

Result<ClusterStatus> Admin::cluster_status() {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().cluster_status(); });
}

Status Admin::alter_cluster(const ClusterChange& change) {
  Client::Io& io = client_.io();
  return io.run([&] { return io.admin().alter_cluster(change); });
}

Result<std::vector<GroupListing>> Admin::list_groups() {
  Client::Io& io = client_.io();
  AsyncGroups groups(io.cluster());
  return io.run([&] { return groups.list(); });
}

Result<GroupDescription> Admin::describe_group(const std::string& group) {
  Client::Io& io = client_.io();
  AsyncGroups groups(io.cluster());
  return io.run([&] { return groups.describe(group, std::nullopt); });
}

Result<GroupDescription> Admin::explain_group(const std::string& group, const LogEnds& log_ends) {
  Client::Io& io = client_.io();
  AsyncGroups groups(io.cluster());
  return io.run([&] { return groups.describe(group, log_ends); });
}

Result<std::vector<GroupResetDone>> Admin::reset_group(const std::string& group,
                                                       const std::vector<GroupReset>& changes,
                                                       Rehearsal rehearsal) {
  Client::Io& io = client_.io();
  AsyncGroups groups(io.cluster());
  return io.run([&] { return groups.reset(group, changes, rehearsal); });
}

Status Admin::delete_group(const std::string& group) {
  Client::Io& io = client_.io();
  AsyncGroups groups(io.cluster());
  return io.run([&] { return groups.remove(group); });
}

}  // namespace penstock::client
