// What becomes of a ledger's entries when the broker's answers get lost? The broker is in this
// program: nothing has to be started, nothing is left behind.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "client/client.h"
#include "client/producer.h"
#include "testing/broker.h"

namespace {

using namespace penstock;
using std::chrono::milliseconds;

constexpr std::array<std::string_view, 3> kEntries = {"+100", "-30", "+5"};

// The code under test.
Status post_entries(client::Client& client) {
  PENSTOCK_TRY_ASSIGN(const auto producer, client::Producer::open(client, {}));
  for (const std::string_view entry : kEntries) {
    PENSTOCK_TRY_ASSIGN(const client::Delivery delivery,
                        producer->produce_and_wait({.topic = "ledger", .value = as_bytes(entry)}));
    if (delivery.error) return std::unexpected(*delivery.error);
  }
  return producer->close(milliseconds(10'000));
}

Result<std::int64_t> test() {
  PENSTOCK_TRY_ASSIGN(const auto broker, testing::Broker::start());
  PENSTOCK_TRY_ASSIGN(const auto client, broker->connect());
  PENSTOCK_TRY(client->admin().create_topic({.name = "ledger"}));
  broker->fail_next({.how = testing::FailHow::kAnswerLost, .times = 2});
  PENSTOCK_TRY(post_entries(*client));
  PENSTOCK_TRY_ASSIGN(const auto ends,
                      client->admin().list_offsets("ledger", client::StartAt::end()));
  return ends.front().offset.value();
}

}  // namespace

int main() {
  const auto written = test();
  if (!written) {
    std::cerr << written.error().to_string() << "\n";
    return EXIT_FAILURE;
  }
  std::cout << *written << " entries, each of them once\n";
  return *written == std::ssize(kEntries) ? EXIT_SUCCESS : EXIT_FAILURE;
}
