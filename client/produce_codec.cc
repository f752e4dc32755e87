#include "client/produce_codec.h"

#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

wire::v1::Durability to_wire(Durability durability) {
  switch (durability) {
    case Durability::kTopicDefault:
      return wire::v1::DURABILITY_TOPIC_DEFAULT;
    case Durability::kFsynced:
      return wire::v1::DURABILITY_FSYNCED;
    case Durability::kWritten:
      return wire::v1::DURABILITY_WRITTEN;
  }
  return wire::v1::DURABILITY_TOPIC_DEFAULT;
}

}  // namespace

wire::v1::ProduceRequest to_wire(const ProduceCall& call, Durability durability,
                                 std::chrono::milliseconds timeout) {
  wire::v1::ProduceRequest request;
  request.set_durability(to_wire(durability));
  request.set_timeout_ms(static_cast<std::uint32_t>(timeout.count()));
  for (const ProduceCall::Part& part : call.parts) {
    auto* const out = request.add_partitions();
    out->set_topic_id(wire::to_wire(part.id.topic));
    out->set_partition(part.id.partition.value());
    out->set_attachment_bytes(static_cast<std::uint32_t>(part.bytes));
    out->set_leader_epoch(part.leader_epoch.value());
  }
  return request;
}

std::vector<SharedBytes> attachment_of(const ProduceCall& call) {
  std::vector<SharedBytes> attachment;
  for (const ProduceCall::Part& part : call.parts) {
    attachment.insert(attachment.end(), part.batches.begin(), part.batches.end());
  }
  return attachment;
}

std::vector<PartAnswer> answers_from_wire(const wire::v1::ProduceResponse& response) {
  std::vector<PartAnswer> answers;
  answers.reserve(static_cast<std::size_t>(response.partitions_size()));
  for (const auto& part : response.partitions()) {
    PartAnswer& answer = answers.emplace_back();
    answer.base_offset = Offset(part.base_offset());
    answer.last_offset = Offset(part.last_offset());
    answer.receipt = {.replicas_fsynced = part.receipt().replicas_fsynced(),
                      .replicas_written = part.receipt().replicas_written(),
                      .replicas = part.receipt().replicas()};
    for (const std::int64_t base : part.batch_offsets()) answer.batches.emplace_back(base);
    if (Status status = wire::status_of(part); !status) answer.error = std::move(status).error();
  }
  return answers;
}

}  // namespace penstock::client
