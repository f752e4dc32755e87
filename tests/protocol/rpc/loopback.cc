#include "tests/protocol/rpc/loopback.h"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace penstock::rpc::testing {
namespace {

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

}  // namespace

Handler Gate::handler() {
  return [state = state_](Request request) { return serve(state, std::move(request)); };
}

void Gate::open() {
  state_->open = true;
  state_->wakeup.notify_all();
}

Task<void> Gate::wait_for(int count) {
  while (state_->waiting != count) {
    (void)co_await state_->wakeup.wait(state_->wakeup.version(), in(milliseconds(1)));
  }
}

Task<Response> Gate::serve(std::shared_ptr<State> state, Request request) {
  state->began.emplace_back(as_text(request.message.view()));
  if (request.api == wire::Api::kFetch || request.api == wire::Api::kCreateTopic) {
    ++state->waiting;
    while (!state->open) {
      const std::uint64_t seen = state->wakeup.version();
      if (const Status woken = co_await state->wakeup.wait(seen); !woken) {
        ++state->cancelled;
        break;
      }
    }
    --state->waiting;
  }
  co_return co_await echo(std::move(request));
}

Task<bool> RawClient::write(Bytes bytes) {
  auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), kAsTuple);
  co_return !error;
}

Task<bool> RawClient::read_exactly(MutableByteView into) {
  auto [error, size] =
      co_await asio::async_read(socket_, asio::buffer(into.data(), into.size()), kAsTuple);
  co_return !error;
}

Task<std::optional<std::pair<wire::FrameHeader, Bytes>>> RawClient::read_frame() {
  std::array<std::byte, wire::kFrameHeaderSize> head;
  if (!co_await read_exactly(head)) co_return std::nullopt;
  const auto header = wire::decode_frame_header(head, 1U << 30);
  EXPECT_TRUE(header) << header.error().to_string();
  Bytes message(header->message_bytes);
  if (!co_await read_exactly(message)) co_return std::nullopt;
  Bytes attachment(header->attachment_bytes);
  if (!co_await read_exactly(attachment)) co_return std::nullopt;
  co_return std::pair(*header, std::move(message));
}

Task<void> RawClient::wait_for_close() {
  Bytes dropped(64U << 10);
  while (true) {
    auto [error, size] = co_await socket_.async_read_some(asio::buffer(dropped), kAsTuple);
    if (error) co_return;
  }
}

void RawClient::reset_connection() {
  socket_.set_option(asio::socket_base::linger(true, 0));
  socket_.close();
}

Bytes request_frame(wire::Api api, std::uint16_t version, std::uint64_t correlation,
                    const Bytes& message, const Bytes& attachment) {
  const auto head =
      wire::encode_frame_header({.kind = wire::FrameKind::kRequest,
                                 .api = static_cast<std::uint16_t>(api),
                                 .version = version,
                                 .correlation = correlation,
                                 .attachment_bytes = static_cast<std::uint32_t>(attachment.size())},
                                message);
  Bytes frame(head.begin(), head.end());
  frame.insert(frame.end(), message.begin(), message.end());
  frame.insert(frame.end(), attachment.begin(), attachment.end());
  return frame;
}

Bytes handshake_frame(std::uint64_t correlation) {
  wire::v1::HandshakeRequest request;
  request.set_client_name("raw");
  request.set_client_software("test/1");
  return request_frame(wire::Api::kHandshake, 1, correlation, serialize(request));
}

}  // namespace penstock::rpc::testing
