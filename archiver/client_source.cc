#include "archiver/client_source.h"

#include <utility>

namespace penstock::archiver {
namespace {

Result<std::vector<SourcePartition>> partitions_of(client::Admin& admin, const std::string& topic) {
  PENSTOCK_TRY_ASSIGN(const auto starts, admin.list_offsets(topic, client::StartAt::beginning()));
  PENSTOCK_TRY_ASSIGN(const auto ends, admin.list_offsets(topic, client::StartAt::end()));
  std::vector<SourcePartition> partitions;
  // Partitions may have been added between the two answers; those come with the next look.
  for (std::size_t i = 0; i < starts.size() && i < ends.size(); ++i) {
    partitions.push_back({.partition = starts[i].partition,
                          .log_start = starts[i].offset,
                          .high_watermark = ends[i].offset});
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
    PENSTOCK_TRY_ASSIGN(auto partitions, partitions_of(client_.admin(), topic.name));
    topics.push_back({.name = topic.name,
                      .id = topic.id,
                      .internal = topic.internal,
                      .partitions = std::move(partitions)});
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
