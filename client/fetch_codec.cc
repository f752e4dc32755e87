#include "client/fetch_codec.h"

#include "client/fetched.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {

wire::v1::FetchRequest to_wire(const FetchPlan& plan, const ConsumerConfig& config) {
  wire::v1::FetchRequest request;
  request.set_max_wait_ms(plan.may_wait ? static_cast<std::uint32_t>(config.max_wait.count()) : 0);
  request.set_min_bytes(static_cast<std::uint32_t>(config.min_fetch_bytes));
  request.set_max_bytes(static_cast<std::uint32_t>(plan.max_bytes));
  request.set_any_replica(plan.any_replica);
  for (const FetchPlan::Part& part : plan.parts) {
    auto* const out = request.add_partitions();
    out->set_topic_id(wire::to_wire(part.id.topic));
    out->set_partition(part.id.partition.value());
    out->set_offset(part.offset.value());
    out->set_max_bytes(static_cast<std::uint32_t>(part.max_bytes));
    out->set_leader_epoch(part.leader_epoch.value());
  }
  return request;
}

Result<FetchAnswer> answer_from_wire(const FetchPlan& plan, const wire::v1::FetchResponse& response,
                                     const SharedBytes& attachment) {
  if (static_cast<std::size_t>(response.partitions_size()) != plan.parts.size()) {
    return fail(Errc::kBadFrame, "Fetch was answered for other partitions than asked");
  }
  FetchAnswer answer;
  std::size_t at = 0;
  for (std::size_t i = 0; i < plan.parts.size(); ++i) {
    const auto& in = response.partitions(static_cast<int>(i));
    if (in.attachment_bytes() > attachment.size() - at) {
      return fail(Errc::kBadFrame, "Fetch was answered with fewer bytes than it says");
    }
    FetchedPart& part = answer.parts.emplace_back();
    part.bytes = in.attachment_bytes();
    part.log_start = Offset(in.log_start());
    part.high_watermark = Offset(in.high_watermark());
    answer.batches.push_back(attachment.slice(at, part.bytes));
    at += part.bytes;
    std::uint64_t& records = answer.records.emplace_back(0);
    if (Status status = wire::status_of(in); !status) {
      part.error = std::move(status).error();
    } else if (part.bytes > 0) {
      auto summary =
          look_through(answer.batches.back().view(), plan.parts[i].offset, in.header_crc());
      if (summary) {
        part.next = summary->next;
        records = summary->records;
      } else {
        part.error = std::move(summary).error();
      }
    }
  }
  if (at != attachment.size()) {
    return fail(Errc::kBadFrame, "Fetch was answered with more bytes than it says");
  }
  return answer;
}

}  // namespace penstock::client
