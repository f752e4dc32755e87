// Creates a topic, publishes ten temperatures with their receipts, and reads them back.
//
//   embed [HOST:PORT]
#include <cstdio>
#include <string>

#include "client/client.h"
#include "client/consumer.h"
#include "client/producer.h"

using namespace penstock;
using namespace penstock::client;

namespace {

constexpr const char* kTopic = "embed-temperatures";

Status create_topic(Client& client) {
  const auto created = client.admin().create_topic({.name = kTopic, .partitions = 1});
  if (!created && created.error().code() != Errc::kTopicExists) return fail(created.error());
  return {};
}

// Returns the offset of the first record.
Result<Offset> publish(Client& client) {
  PENSTOCK_TRY_ASSIGN(const auto producer, Producer::open(client, {}));
  std::optional<Offset> first;
  for (int i = 0; i < 10; ++i) {
    const std::string value = std::to_string(20 + i) + " C";
    PENSTOCK_TRY_ASSIGN(
        const Delivery delivery,
        producer->produce_and_wait(
            {.topic = kTopic, .key = as_bytes("kitchen"), .value = as_bytes(value)}));
    if (delivery.error) return fail(*delivery.error);
    std::printf("offset %lld is on %u disk(s)\n", static_cast<long long>(delivery.offset.value()),
                delivery.receipt.replicas_fsynced);
    if (!first) first = delivery.offset;
  }
  PENSTOCK_TRY(producer->close(milliseconds(5'000)));
  return *first;
}

Result<int> read_back(Client& client, Offset from) {
  PENSTOCK_TRY_ASSIGN(const auto consumer, Consumer::open(client, {}));
  PENSTOCK_TRY(consumer->assign({{kTopic, PartitionId(0), StartAt::offset(from)}}));
  int records = 0;
  while (!consumer->at_end() || records == 0) {
    PENSTOCK_TRY_ASSIGN(auto chunks, consumer->poll(milliseconds(500)));
    for (Chunk& chunk : chunks) {
      while (true) {
        PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
        if (!record) break;
        const std::string_view value = record->value ? as_text(*record->value) : "null";
        std::printf("read %lld: %.*s\n", static_cast<long long>(record->offset.value()),
                    static_cast<int>(value.size()), value.data());
        ++records;
      }
    }
  }
  return records;
}

Result<int> run(const char* address) {
  PENSTOCK_TRY_ASSIGN(const auto endpoint, rpc::Endpoint::parse(address));
  PENSTOCK_TRY_ASSIGN(const auto client,
                      Client::open({.bootstrap = {endpoint}, .client_name = "embed"}));
  PENSTOCK_TRY(create_topic(*client));
  PENSTOCK_TRY_ASSIGN(const Offset first, publish(*client));
  return read_back(*client, first);
}

}  // namespace

int main(int argc, char** argv) {
  const auto records = run(argc > 1 ? argv[1] : "127.0.0.1:7333");
  if (!records) {
    std::fprintf(stderr, "%s\n", records.error().to_string().c_str());
    return 1;
  }
  std::printf("EMBED records=%d\n", *records);
  return *records == 10 ? 0 : 1;
}
