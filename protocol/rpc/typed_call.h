// call<Response>(channel, api, request, ...): a Channel call with protobuf messages on both sides.
#pragma once

#include <utility>
#include <vector>

#include "protocol/rpc/channel.h"

namespace penstock::rpc {

template <typename Message>
Bytes serialize(const Message& message) {
  Bytes bytes(message.ByteSizeLong());
  message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

// False for bytes that are no such message.
template <typename Message>
bool deserialize(ByteView bytes, Message& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

template <typename Response>
struct TypedReply {
  Response message;
  SharedBytes attachment;
};

// `request`: serialized. The error in the answer's own `error` field becomes this call's error.
template <typename Response>
Task<Result<TypedReply<Response>>> call(Channel& channel, wire::Api api, Bytes request,
                                        std::vector<SharedBytes> attachment, Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(
      Reply reply, co_await channel.call(api, std::move(request), std::move(attachment), deadline));
  TypedReply<Response> typed;
  if (!deserialize(reply.message.view(), typed.message)) {
    co_return fail(Errc::kBadFrame,
                   std::string(wire::name(api)) + ": the answer is no such message");
  }
  if (typed.message.has_error() && typed.message.error().code() != 0) {
    co_return fail(errc_from_wire(typed.message.error().code()), typed.message.error().message());
  }
  typed.attachment = std::move(reply.attachment);
  co_return typed;
}

template <typename Response, typename Request>
Task<Result<TypedReply<Response>>> call(Channel& channel, wire::Api api, Request request,
                                        std::vector<SharedBytes> attachment, Deadline deadline) {
  co_return co_await call<Response>(channel, api, serialize(request), std::move(attachment),
                                    deadline);
}

}  // namespace penstock::rpc
