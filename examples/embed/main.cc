// Publishes a few greetings to a running broker, waits until they are on its disk, and reads them
// back.
//
//   embed [HOST:PORT]      (127.0.0.1:7333)
#include <array>
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>

#include "client/client.h"
#include "client/consumer.h"
#include "client/producer.h"

namespace {

using namespace penstock;
using std::chrono::milliseconds;

constexpr std::string_view kTopic = "greetings";

Status create_topic(client::Client& client) {
  const auto created = client.admin().create_topic({.name = std::string(kTopic), .partitions = 2});
  if (created || created.error().code() == Errc::kTopicExists) return {};
  return std::unexpected(created.error());
}

Status publish(client::Client& client) {
  PENSTOCK_TRY_ASSIGN(const auto producer,
                      client::Producer::open(client, {.reports = client::DeliveryReports::kAll}));
  constexpr std::array<std::string_view, 3> kLanguages = {"en", "de", "fr"};
  constexpr std::array<std::string_view, 3> kGreetings = {"Hello!", "Guten Tag!", "Bonjour !"};
  for (std::size_t i = 0; i < kGreetings.size(); ++i) {
    PENSTOCK_TRY(producer->produce({.topic = kTopic,
                                    .key = as_bytes(kLanguages[i]),
                                    .value = as_bytes(kGreetings[i]),
                                    .tag = i}));
  }
  // An error here says that something has no outcome yet; each record's own fate is in its report.
  PENSTOCK_TRY(producer->close(milliseconds(10'000)));
  for (const client::Delivery& delivery : producer->poll(milliseconds(0))) {
    if (delivery.error) return std::unexpected(*delivery.error);
    std::cout << "published " << kGreetings[delivery.tag] << " to partition "
              << delivery.partition.value() << " at offset " << delivery.offset.value() << ", on "
              << delivery.receipt.replicas_fsynced << " disk(s)\n";
  }
  return {};
}

Status read_back(client::Client& client) {
  PENSTOCK_TRY_ASSIGN(const auto consumer, client::Consumer::open(client, {}));
  PENSTOCK_TRY(
      consumer->assign({{std::string(kTopic), PartitionId(0), client::StartAt::beginning()},
                        {std::string(kTopic), PartitionId(1), client::StartAt::beginning()}}));
  while (!consumer->at_end()) {
    PENSTOCK_TRY_ASSIGN(auto chunks, consumer->poll(milliseconds(500)));
    for (client::Chunk& chunk : chunks) {
      while (true) {
        PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
        if (!record) break;
        std::cout << "read " << as_text(record->value.value_or(ByteView())) << " from partition "
                  << chunk.partition().value() << " at offset " << record->offset.value() << "\n";
      }
    }
  }
  return {};
}

Status run(std::string_view address) {
  PENSTOCK_TRY_ASSIGN(const auto broker, rpc::Endpoint::parse(address));
  PENSTOCK_TRY_ASSIGN(const auto client, client::Client::open({.bootstrap = {broker}}));
  PENSTOCK_TRY(create_topic(*client));
  PENSTOCK_TRY(publish(*client));
  return read_back(*client);
}

}  // namespace

int main(int argc, char** argv) {
  const Status status = run(argc > 1 ? argv[1] : "127.0.0.1:7333");
  if (status) return 0;
  std::cerr << status.error().to_string() << "\n";
  return 1;
}
