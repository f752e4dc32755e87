#include "client/metadata_codec.h"

#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {

Result<TopicMetadata> topic_from_wire(const wire::v1::Topic& topic, Instant now,
                                      MetadataOffset as_of) {
  const auto broken = [&](std::string_view what) {
    return fail(Errc::kBadFrame,
                "description of topic " + topic.name() + " has " + std::string(what));
  };
  const auto id = wire::uuid_from_wire(topic.topic_id(), "topic_id");
  if (!id) return broken("no valid id");
  TopicMetadata out{
      .name = topic.name(), .id = *id, .partitions = {}, .fetched_at = now, .as_of = as_of};
  out.partitions.resize(static_cast<std::size_t>(topic.partitions_size()));
  std::vector<bool> seen(out.partitions.size());
  for (const wire::v1::Partition& partition : topic.partitions()) {
    const auto number = static_cast<std::size_t>(partition.partition());
    if (partition.partition() < 0 || number >= out.partitions.size() || seen[number]) {
      return broken("partitions that are not numbered 0, 1, 2, ...");
    }
    seen[number] = true;
    out.partitions[number] = {
        .leader = partition.leader(),
        .leader_epoch = Term(partition.leader_epoch()),
        .replicas = {partition.replicas().begin(), partition.replicas().end()}};
  }
  return out;
}

}  // namespace penstock::client
