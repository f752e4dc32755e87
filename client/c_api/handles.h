// What the handles of penstock.h are, and the way errors get there.
//
// Threads and lifetime: as penstock.h says.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/consumer.h"
#include "client/group_consumer.h"
#include "client/include/penstock.h"
#include "client/producer.h"

struct penstock_error {
  penstock::Error error;
};

struct penstock_client {
  std::unique_ptr<penstock::client::Client> client;
};

struct penstock_producer {
  std::unique_ptr<penstock::client::Producer> producer;
};

struct penstock_deliveries {
  std::vector<penstock::client::Delivery> all;
  std::vector<std::unique_ptr<penstock_error>> errors;  // one for each; none: delivered
};

struct penstock_records {
  std::vector<penstock::client::Chunk> chunks;
  std::size_t at = 0;  // the chunk that is read
  std::vector<penstock::record::HeaderView> headers{};
};

struct penstock_consumer {
  std::unique_ptr<penstock::client::Consumer> consumer;
};

struct penstock_group_consumer {
  std::unique_ptr<penstock::client::GroupConsumer> consumer;
};

namespace penstock::c_api {

// Null: success.
inline penstock_error* give(Status status) {
  return status ? nullptr : new penstock_error{std::move(status).error()};
}

// The value to `out`, or the error to the caller.
template <typename T, typename Handle>
penstock_error* give(Result<T> result, Handle** out) {
  if (!result) return new penstock_error{std::move(result).error()};
  *out = new Handle{*std::move(result)};
  return nullptr;
}

inline ByteView view(penstock_bytes bytes) {
  return {static_cast<const std::byte*>(bytes.data), bytes.size};
}
inline std::optional<ByteView> nullable(penstock_bytes bytes) {
  if (bytes.data == nullptr) return std::nullopt;
  return view(bytes);
}
// Never null when there is a value, even an empty one.
inline penstock_bytes give(std::optional<ByteView> bytes) {
  if (!bytes) return {nullptr, 0};
  return {bytes->data() != nullptr ? static_cast<const void*>(bytes->data()) : "", bytes->size()};
}

}  // namespace penstock::c_api
