// Words that the client's end-to-end stories are told with.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "tests/client/fake_broker.h"

namespace penstock::client {

// A safety net against a hang, never an expectation.
inline constexpr milliseconds kLong{60'000};

inline std::unique_ptr<Client> open_client(FakeBroker& broker, ClientConfig config = {}) {
  config.bootstrap = {broker.endpoint()};
  config.retry_backoff = milliseconds(1);
  config.retry_backoff_max = milliseconds(20);
  auto client = Client::open(std::move(config));
  EXPECT_TRUE(client) << client.error().to_string();
  return std::move(*client);
}

inline Status produce(Producer& producer, const std::string& topic, int partition,
                      const std::string& value, std::uint64_t tag = 0) {
  return producer.produce({.topic = topic,
                           .partition = PartitionId(partition),
                           .key = {},
                           .value = as_bytes(value),
                           .timestamp = {},
                           .headers = {},
                           .tag = tag});
}

// Values by partition number, until the consumer has read everything.
inline std::map<int, std::vector<std::string>> read_to_end(Consumer& consumer) {
  std::map<int, std::vector<std::string>> values;
  while (!consumer.at_end()) {
    auto chunks = consumer.poll(milliseconds(10));
    if (!chunks) {
      ADD_FAILURE() << chunks.error().to_string();
      break;
    }
    for (Chunk& chunk : *chunks) {
      while (true) {
        auto record = chunk.next();
        if (!record) {
          ADD_FAILURE() << record.error().to_string();
          return values;
        }
        if (!*record) break;
        values[chunk.partition().value()].emplace_back(as_text(*(*record)->value));
      }
    }
  }
  return values;
}

}  // namespace penstock::client
