#include "archiver/client_source.h"

#include <utility>

namespace penstock::archiver {
namespace {

// One answer holds id and offsets: asked for apart, they could be of two topics of one name.
std::vector<SourcePartition> partitions_of(const client::TopicDescription& topic) {
  std::vector<SourcePartition> partitions;
  for (const client::PartitionDescription& one : topic.partitions) {
    SourcePartition& out = partitions.emplace_back();
    out.partition = one.partition;
    out.log_start = one.log_start;
    out.high_watermark = one.high_watermark;
    // A damaged partition can be read up to the damage.
    if (one.error && one.error->code() != Errc::kPartitionDamaged) out.error = one.error;
  }
  return partitions;
}

}  // namespace

Result<std::unique_ptr<ClientSource>> ClientSource::open(client::Client& client,
                                                         client::ConsumerConfig config) {
  config.on_out_of_range = client::OnOutOfRange::kFail;  // a jump would be a silent gap
  PENSTOCK_TRY_ASSIGN(auto consumer, client::Consumer::open(client, config));
  return std::unique_ptr<ClientSource>(new ClientSource(client, std::move(consumer)));
}

Result<std::vector<SourceTopic>> ClientSource::topics(const std::vector<std::string>& names) {
  PENSTOCK_TRY_ASSIGN(const auto described, client_.admin().describe_topics(names));
  std::vector<SourceTopic> topics;
  for (const client::TopicDescription& topic : described) {
    if (topic.internal) continue;
    topics.push_back({.name = topic.name,
                      .id = topic.id,
                      .internal = topic.internal,
                      .partitions = partitions_of(topic)});
  }
  return topics;
}

Status ClientSource::assign(const std::vector<SourcePosition>& positions) {
  std::vector<client::Assignment> assignments;
  for (const SourcePosition& position : positions) {
    assignments.push_back({.topic = position.topic,
                           .partition = position.partition,
                           .start = client::StartAt::offset(position.next)});
  }
  return consumer_->assign(std::move(assignments));
}

Result<std::vector<SourceBatches>> ClientSource::poll(std::chrono::milliseconds wait) {
  PENSTOCK_TRY_ASSIGN(const auto chunks, consumer_->poll(wait));
  std::vector<SourceBatches> batches;
  for (const client::Chunk& chunk : chunks) {
    batches.push_back({.topic = chunk.topic(),
                       .partition = chunk.partition(),
                       .batches = chunk.batches(),
                       .next = chunk.next_offset()});
  }
  return batches;
}

}  // namespace penstock::archiver
