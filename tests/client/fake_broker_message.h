// What a FakeBroker's handlers read and write; the client that they hear is their own.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/assert.h"
#include "base/types.h"
#include "protocol/rpc/server.h"
#include "protocol/rpc/typed_call.h"

namespace penstock::client {

inline Uuid uuid_of(std::uint64_t number) {
  Uuid id;
  std::memcpy(id.bytes.data(), &number, sizeof number);
  id.bytes[15] = std::byte{1};
  return id;
}

template <typename Message>
Message parse(const rpc::Request& request) {
  Message message;
  PENSTOCK_ASSERT(rpc::deserialize(request.message.view(), message), "the client's own message");
  return message;
}

template <typename Message>
rpc::Response answer(const Message& message) {
  return {rpc::serialize(message), {}};
}

}  // namespace penstock::client
