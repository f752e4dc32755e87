// Connection: what becomes of a complete frame: handshake, error, or a request's coroutine.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>

#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "protocol/rpc/connection.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/handshake.pb.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::rpc {
namespace {

std::int64_t now_ns() { return system_clock().steady_ns(); }

wire::v1::HandshakeResponse handshake_response(const ServerOptions& options) {
  wire::v1::HandshakeResponse response;
  for (const wire::ApiInfo& api : wire::api_table()) {
    wire::v1::ApiVersionRange& range = *response.add_apis();
    range.set_api(static_cast<std::uint32_t>(api.api));
    range.set_min_version(api.min_version);
    range.set_max_version(api.max_version);
  }
  response.set_cluster_id(wire::to_wire(options.cluster_id));
  response.set_broker_id(options.broker_id);
  response.set_broker_software(options.software);
  response.set_max_frame_bytes(options.max_frame_bytes);
  response.set_max_in_flight_requests(options.limits.requests_in_flight);
  return response;
}

Status check_handshake(const wire::Frame& frame, wire::v1::HandshakeRequest& request) {
  const wire::ApiInfo& api = *wire::find_api(frame.header.api);
  if (frame.header.version < api.min_version || frame.header.version > api.max_version) {
    return fail(Errc::kUnsupportedVersion, "Handshake version " +
                                               std::to_string(frame.header.version) +
                                               " is not spoken; see the ranges in this answer");
  }
  if (!deserialize(frame.message.view(), request)) {
    return fail(Errc::kInvalidArgument, "the message is no HandshakeRequest");
  }
  if (request.client_name().size() > kMaxNameBytes ||
      request.client_software().size() > kMaxNameBytes) {
    return fail(Errc::kInvalidArgument, "client_name and client_software have at most " +
                                            std::to_string(kMaxNameBytes) + " bytes");
  }
  if (!frame.attachment.empty()) {
    return fail(Errc::kInvalidArgument, "a Handshake has no attachment");
  }
  return {};
}

void die_if_thrown(const std::exception_ptr& error) {
  if (!error) return;
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    logger("rpc").error("a handler ended by exception what={}", e.what());
  } catch (...) {
    logger("rpc").error("a handler ended by an unknown exception");
  }
  PENSTOCK_ASSERT(false, "handlers do not throw");
}

}  // namespace

void Connection::dispatch(wire::Frame frame) {
  Judgement judgement = rules_.judge(frame.header);
  if (phase_ != Phase::kServing && judgement.verdict == Verdict::kRequest) {
    judgement = {Verdict::kAnswerError, Errc::kShuttingDown, "the broker is shutting down"};
  }
  if (judgement.verdict == Verdict::kRequest) return begin_request(std::move(frame));
  give_memory_back();
  const Error error(judgement.code, std::move(judgement.reason));
  switch (judgement.verdict) {
    case Verdict::kHandshake:
      return answer_handshake(frame);
    case Verdict::kAnswerError:
      return answer_error(frame.header, error);
    case Verdict::kAnswerAndClose:
      answer_error(frame.header, error);
      return refuse();
    default:
      return violated(error);
  }
}

void Connection::answer_handshake(const wire::Frame& frame) {
  wire::v1::HandshakeRequest request;
  wire::v1::HandshakeResponse response = handshake_response(host_->options);
  const Status checked = check_handshake(frame, request);
  if (checked) {
    // Requests see the name from now on; none has seen the old description.
    info_->client_name = request.client_name();
    rules_.handshake_done();
  } else {
    wire::set_error(response, checked.error());
  }
  answer(frame.header, serialize(response), {});
  if (!checked && checked.error().code() != Errc::kUnsupportedVersion) refuse();
}

void Connection::answer_error(const wire::FrameHeader& request, const Error& error) {
  wire::v1::ErrorResponse response;
  wire::set_error(response, error);
  answer(request, serialize(response), {});
}

void Connection::begin_request(wire::Frame frame) {
  const auto api = static_cast<wire::Api>(frame.header.api);
  const auto place = running_.emplace(running_.end());
  place->header = frame.header;
  place->memory_bytes = std::exchange(frame_memory_bytes_, 0);
  place->changes_state = wire::find_api(frame.header.api)->effect == wire::Effect::kChanges;
  rules_.request_began(received_ns_);
  ++host_->stats.requests_total;
  Request request{.api = api,
                  .version = frame.header.version,
                  .message = std::move(frame.message),
                  .attachment = std::move(frame.attachment),
                  .mutable_attachment = frame.mutable_attachment,
                  .connection = info_,
                  .received_steady_ns = received_ns_};
  asio::co_spawn(socket().get_executor(), run_request(self(), std::move(request), place),
                 asio::bind_cancellation_slot(
                     place->cancel.slot(), [self = self(), place](const std::exception_ptr& error) {
                       die_if_thrown(error);
                       self->request_ended(place);
                     }));
}

// Cancellation is a result of the waits inside the handler, not an exception.
Task<void> Connection::run_request(std::shared_ptr<Connection> self, Request request,
                                   std::list<Running>::iterator place) {
  co_await asio::this_coro::throw_if_cancelled(false);
  Response response = co_await self->host_->handler(std::move(request));
  if (response.cut_off) co_return self->end(Error(Errc::kConnectionLost, "cut off"));
  self->answer(place->header, std::move(response.message), std::move(response.attachment));
}

void Connection::request_ended(std::list<Running>::iterator place) {
  host_->memory.give_back(place->memory_bytes);
  running_.erase(place);
  rules_.request_ended(now_ns());
  serve();
  finish_if_drained();
  report_if_gone();
}

}  // namespace penstock::rpc
