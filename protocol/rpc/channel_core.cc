#include "protocol/rpc/channel_core.h"

#include <algorithm>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/this_coro.hpp>
#include <limits>

#include "protocol/rpc/limits.h"

namespace penstock::rpc {
namespace {

using std::chrono::steady_clock;

// Before the broker has said how much it takes.
constexpr CallLimits kHandshakeLimits{.max_bytes = 16U << 10, .max_requests = 1};

std::uint64_t frame_size(const Bytes& message, const std::vector<SharedBytes>& attachment) {
  std::uint64_t size = wire::kFrameHeaderSize + message.size();
  for (const SharedBytes& part : attachment) size += part.size();
  return size;
}

}  // namespace

Channel::Core::Core(Socket socket, ChannelOptions options)
    : FrameStream(std::move(socket)),
      options_(std::move(options)),
      calls_(kHandshakeLimits),
      timer_(this->socket().get_executor()),
      quiet_(this->socket().get_executor()) {}

void Channel::Core::start() {
  configure_socket();
  want_bytes();
}

Task<Result<Reply>> Channel::Core::call(std::shared_ptr<Core> self, wire::Api api, Bytes message,
                                        std::vector<SharedBytes> attachment, Deadline deadline) {
  if (self->is_ended()) co_return fail(Errc::kConnectionLost, "the channel is closed");
  const auto version = self->version_of(api);
  if (!version) {
    co_return fail(Errc::kUnsupportedVersion,
                   std::string(wire::name(api)) + ": the broker speaks no version that we speak");
  }
  if (const std::uint64_t size = frame_size(message, attachment);
      size > self->peer_.max_frame_bytes) {
    co_return fail(Errc::kFrameTooLarge, std::string(wire::name(api)) + ": a request of " +
                                             std::to_string(size) + " bytes, the broker takes " +
                                             std::to_string(self->peer_.max_frame_bytes));
  }
  const wire::FrameHeader header{.api = static_cast<std::uint16_t>(api), .version = *version};
  co_return co_await exchange(std::move(self), header, std::move(message), std::move(attachment),
                              deadline);
}

Task<Result<Reply>> Channel::Core::exchange(std::shared_ptr<Core> self, wire::FrameHeader header,
                                            Bytes message, std::vector<SharedBytes> attachment,
                                            Deadline deadline) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return fail(Errc::kCancelled);
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<Reply>)>(
      [](auto handler, std::shared_ptr<Core> core, wire::FrameHeader head, Bytes body,
         std::vector<SharedBytes> parts, Deadline until) {
        core->begin(std::move(handler), head, std::move(body), std::move(parts), until);
      },
      asio::use_awaitable, std::move(self), header, std::move(message), std::move(attachment),
      deadline);
}

template <typename Handler>
void Channel::Core::begin(Handler handler, wire::FrameHeader header, Bytes message,
                          std::vector<SharedBytes> attachment, Deadline deadline) {
  auto slot = asio::get_associated_cancellation_slot(handler);
  const std::uint64_t correlation =
      calls_.add(header, std::move(message), std::move(attachment), deadline,
                 [handler = std::move(handler), slot](Result<Reply> result) mutable {
                   slot.clear();
                   std::move(handler)(std::move(result));
                 });
  if (slot.is_connected()) {
    slot.assign([weak = std::weak_ptr(self()), correlation](asio::cancellation_type) {
      if (const auto core = weak.lock()) core->give_up(correlation);
    });
  }
  arm(deadline);
  send_waiting();
}

// Not from inside the signal: the resumed caller may give its slot a new handler.
void Channel::Core::give_up(std::uint64_t correlation) {
  if (Finish finish = calls_.abandon(correlation)) {
    finish_later(std::move(finish), Error(Errc::kCancelled));
  }
}

void Channel::Core::finish_later(Finish finish, Error error) {
  asio::post(socket().get_executor(),
             [finish = std::move(finish), error = std::move(error)]() mutable {
               finish(std::unexpected(std::move(error)));
             });
}

void Channel::Core::send_waiting() {
  if (is_ended()) return;
  while (auto next = calls_.next_to_send(outbound().bytes())) {
    if (!unsent_since_) {
      unsent_since_ = steady_clock::now();
      arm(*unsent_since_ + kChannelWriteStall);
    }
    send(next->header, std::move(next->message), std::move(next->attachment));
  }
}

void Channel::Core::on_sent(std::size_t /*bytes*/) {
  if (outbound().empty()) {
    unsent_since_.reset();
  } else {
    unsent_since_ = steady_clock::now();
  }
  send_waiting();
}

void Channel::Core::on_received(std::size_t /*bytes*/) {
  while (!is_ended()) {
    const Result<bool> taken = take_answer();
    if (!taken) return end(taken.error());
    if (!*taken) break;
  }
  want_bytes();
  send_waiting();
}

Result<bool> Channel::Core::take_answer() {
  const std::uint64_t max_frame_bytes = handshake_done_
                                            ? wire::kFrameHeaderSize + options_.max_response_bytes
                                            : kMaxHandshakeResponseBytes;
  PENSTOCK_TRY_ASSIGN(const auto header, assembler().header(max_frame_bytes));
  if (!header) return false;
  if (header->kind != wire::FrameKind::kResponse) {
    return fail(Errc::kBadFrame, "the broker sent a request");
  }
  if (!assembler().body_begun()) assembler().begin_body();
  if (!assembler().body_complete()) return false;
  PENSTOCK_TRY_ASSIGN(wire::Frame frame, assembler().take());
  PendingCalls::Match match = calls_.answered(frame.header.correlation);
  if (!match.known) return fail(Errc::kBadFrame, "an answer to a request that was never sent");
  if (match.finish) match.finish(Reply{std::move(frame.message), std::move(frame.attachment)});
  return true;
}

void Channel::Core::on_ended(const Error& reason) {
  const Errc code = reason.code() == Errc::kBadFrame || reason.code() == Errc::kFrameTooLarge
                        ? Errc::kBadFrame
                        : Errc::kConnectionLost;
  for (Finish& finish : calls_.take_all()) {
    finish_later(std::move(finish), Error(code, reason.message()));
  }
  timer_.cancel();
}

void Channel::Core::on_quiet() { quiet_.notify_all(); }

// Who gives a request up may ask somebody else, or again, and then for more: the first one must not
// come behind that.
Task<void> Channel::Core::close(std::shared_ptr<Core> self) {
  const Error reason(Errc::kConnectionLost, "the channel was closed");
  self->calls_.awaits_answers() ? self->abort(reason) : self->end(reason);
  while (!self->is_quiet()) {
    const std::uint64_t seen = self->quiet_.version();
    if (!co_await self->quiet_.wait(seen)) break;
  }
}

void Channel::Core::arm(Time when) {
  if (when >= armed_for_ || is_ended()) return;
  armed_for_ = when;
  timer_.expires_at(when);
  timer_.async_wait([weak = std::weak_ptr(self()), generation = ++timer_generation_](
                        const boost::system::error_code& /*aborted or not*/) {
    const auto core = weak.lock();
    if (core && core->timer_generation_ == generation && !core->is_ended()) core->timer_fired();
  });
}

void Channel::Core::timer_fired() {
  armed_for_ = Time::max();
  const Time now = steady_clock::now();
  if (unsent_since_ && now - *unsent_since_ >= kChannelWriteStall) {
    return abort(Error(Errc::kConnectionLost, "the broker does not read"));
  }
  for (PendingCalls::Expired& call : calls_.take_expired(now)) {
    finish_later(std::move(call.finish), Error(call.code));
  }
  send_waiting();
  Time next = calls_.next_deadline();
  if (unsent_since_) next = std::min(next, *unsent_since_ + kChannelWriteStall);
  if (next != Time::max()) arm(std::max(next, now + kDeadlineResolution));
}

}  // namespace penstock::rpc
