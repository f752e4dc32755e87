#include "broker/peer/exchange.h"

#include <utility>
#include <variant>

#include "broker/peer/limits.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

bool may_have_attachment(const raft::Message& message) {
  return std::holds_alternative<raft::AppendRequest>(message) ||
         std::holds_alternative<raft::InstallRequest>(message);
}

Status take_messages(const wire::v1::ExchangeRequest& request, const SharedBytes& attachment,
                     Exchanged& out) {
  out.messages.reserve(static_cast<std::size_t>(request.messages_size()));
  std::uint64_t begin = 0;
  for (const auto& row : request.messages()) {
    const std::uint64_t size = row.attachment_bytes();
    if (size > attachment.size() - begin) {
      return fail(Errc::kInvalidArgument, "the attachment is shorter than its parts");
    }
    SharedBytes part = size > 0 ? attachment.slice(begin, size) : SharedBytes();
    PENSTOCK_TRY_ASSIGN(GroupMessage message, from_wire(row, out.from, out.to, std::move(part)));
    if (size > 0 && !may_have_attachment(message.message.envelope.message)) {
      return fail(Errc::kInvalidArgument, "bytes beside a message that has none");
    }
    out.messages.push_back(std::move(message));
    begin += size;
  }
  if (begin != attachment.size()) {
    return fail(Errc::kInvalidArgument, "the attachment is longer than its parts");
  }
  return {};
}

Status take_news(const wire::v1::ExchangeRequest& request, Exchanged& out) {
  out.news.reserve(static_cast<std::size_t>(request.leaderships_size()));
  for (const auto& row : request.leaderships()) {
    PENSTOCK_TRY_ASSIGN(LeaderNews news, from_wire(row));
    if (news.leader != out.from) {
      return fail(Errc::kInvalidArgument, "news of a leader comes from the leader");
    }
    out.news.push_back(std::move(news));
  }
  return {};
}

}  // namespace

Result<Exchanged> decode_exchange(const wire::v1::ExchangeRequest& request,
                                  SharedBytes attachment) {
  if (static_cast<std::size_t>(request.messages_size()) > kMaxMessagesPerExchange ||
      static_cast<std::size_t>(request.leaderships_size()) > kMaxWaitingNews) {
    return fail(Errc::kInvalidArgument, "too many messages or news in one exchange");
  }
  if (request.from() < 0 || request.to() < 0) {
    return fail(Errc::kInvalidArgument, "an exchange from or to nobody");
  }
  Exchanged out{.from = raft::NodeId(request.from()),
                .from_directory = {},
                .to = raft::NodeId(request.to()),
                .cluster_id = {},
                .messages = {},
                .news = {}};
  PENSTOCK_TRY_ASSIGN(out.from_directory,
                      wire::uuid_from_wire(request.from_directory(), "from_directory"));
  PENSTOCK_TRY_ASSIGN(out.cluster_id, wire::uuid_from_wire(request.cluster_id(), "cluster_id"));
  PENSTOCK_TRY(take_messages(request, attachment, out));
  PENSTOCK_TRY(take_news(request, out));
  return out;
}

}  // namespace penstock::broker
