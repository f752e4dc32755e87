// Channel: opening, with the handshake, and what callers see.
#include "protocol/rpc/channel.h"

#include <algorithm>

#include "protocol/rpc/channel_core.h"
#include "protocol/rpc/connect.h"
#include "protocol/rpc/limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/handshake.pb.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::rpc {
namespace {

constexpr std::string_view kClientSoftware = "penstock-cpp/0.1.0";
constexpr std::uint16_t kHandshakeVersion = 1;

// An end of the connection before the handshake's answer means that nothing was begun.
Error handshake_error(Error error, const Endpoint& peer) {
  const bool no_answer = error.code() == Errc::kConnectionLost || error.code() == Errc::kTimeout ||
                         error.code() == Errc::kOverloaded;
  const std::string text = "handshake with " + peer.to_string() + ": " + error.message();
  return {no_answer ? Errc::kConnectFailed : error.code(), text};
}

}  // namespace

Task<Status> Channel::Core::shake_hands(std::shared_ptr<Core> self, Deadline deadline) {
  wire::v1::HandshakeRequest request;
  request.set_client_name(wire::utf8_prefix(self->options_.client_name, kMaxNameBytes));
  request.set_client_software(std::string(kClientSoftware));
  const wire::FrameHeader header{.api = static_cast<std::uint16_t>(wire::Api::kHandshake),
                                 .version = kHandshakeVersion};
  PENSTOCK_CO_TRY_ASSIGN(const Reply reply,
                         co_await exchange(self, header, serialize(request), {}, deadline));
  co_return self->learn_peer(reply.message.view());
}

Status Channel::Core::learn_peer(ByteView response) {
  wire::v1::HandshakeResponse message;
  if (!deserialize(response, message)) {
    return fail(Errc::kBadFrame, "the answer is no HandshakeResponse");
  }
  PENSTOCK_TRY(wire::status_of(message));
  PENSTOCK_TRY_ASSIGN(const Uuid cluster_id,
                      wire::uuid_from_wire(message.cluster_id(), "cluster_id"));
  peer_ = {.cluster_id = cluster_id,
           .broker_id = message.broker_id(),
           .software = message.broker_software(),
           .max_frame_bytes = message.max_frame_bytes(),
           .max_in_flight_requests = message.max_in_flight_requests()};
  for (const wire::v1::ApiVersionRange& theirs : message.apis()) {
    const wire::ApiInfo* ours = theirs.api() <= UINT16_MAX
                                    ? wire::find_api(static_cast<std::uint16_t>(theirs.api()))
                                    : nullptr;
    if (ours == nullptr) continue;
    const std::uint32_t highest = std::min<std::uint32_t>(ours->max_version, theirs.max_version());
    if (highest < std::max<std::uint32_t>(ours->min_version, theirs.min_version())) continue;
    versions_.emplace_back(ours->api, static_cast<std::uint16_t>(highest));
  }
  calls_.set_limits({.max_bytes = options_.max_in_flight_bytes,
                     .max_requests = std::max(peer_.max_in_flight_requests, 1U)});
  handshake_done_ = true;
  return {};
}

std::optional<std::uint16_t> Channel::Core::version_of(wire::Api api) const {
  for (const auto& [known, version] : versions_) {
    if (known == api) return version;
  }
  return std::nullopt;
}

Task<Result<std::unique_ptr<Channel>>> Channel::open(Endpoint peer, ChannelOptions options,
                                                     Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(Socket socket, co_await connect(peer, deadline));
  auto core = std::make_shared<Core>(std::move(socket), std::move(options));
  std::unique_ptr<Channel> channel(new Channel(core));
  core->start();
  Status greeted = co_await Core::shake_hands(core, deadline);
  if (greeted) co_return channel;
  co_await channel->close();
  co_return fail(handshake_error(std::move(greeted).error(), peer));
}

Channel::Channel(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Channel::~Channel() { core_->end(Error(Errc::kConnectionLost, "the channel was destroyed")); }

Task<Result<Reply>> Channel::call(wire::Api api, Bytes message, std::vector<SharedBytes> attachment,
                                  Deadline deadline) {
  return Core::call(core_, api, std::move(message), std::move(attachment), deadline);
}

const PeerInfo& Channel::peer() const { return core_->peer(); }
bool Channel::offers(wire::Api api) const { return core_->version_of(api).has_value(); }
bool Channel::is_open() const { return !core_->is_ended(); }
Task<void> Channel::close() { return Core::close(core_); }

}  // namespace penstock::rpc
