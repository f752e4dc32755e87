// Publishes numbered records as fast as it may and writes down every acknowledgement, until it is
// told to stop (SIGTERM) or the broker is gone. What it wrote down must be in the log afterwards,
// byte for byte.
//
//   penstock-ack-writer BOOTSTRAP TOPIC PARTITIONS FIRST_NUMBER OUTPUT
//
// A record's value is "<number>:<filler>", the filler a function of the number. OUTPUT gets one
// line
// "<number> <partition> <offset> <replicas fsynced>" an acknowledgement. It prints "writing" when
// it begins, and the last number tried in the end.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/coding.h"
#include "client/client.h"
#include "client/producer.h"

namespace {

using namespace penstock;
using namespace penstock::client;

volatile std::sig_atomic_t stop_requested = 0;

std::string value_of(std::uint64_t number) {
  const std::size_t filler = 20 + number * 2654435761U % 400;
  std::string value = std::to_string(number) + ":";
  value.append(filler, static_cast<char>('a' + number % 26));
  return value;
}

// How many acknowledged records there are; stops at the first failed or unknown outcome.
bool write_down(const std::vector<Delivery>& deliveries, std::FILE* out) {
  bool all_delivered = true;
  for (const Delivery& delivery : deliveries) {
    if (delivery.error) {
      all_delivered = false;
      continue;
    }
    std::fprintf(out, "%llu %d %lld %u\n", static_cast<unsigned long long>(delivery.tag),
                 delivery.partition.value(), static_cast<long long>(delivery.offset.value()),
                 delivery.receipt.replicas_fsynced);
  }
  return all_delivered;
}

int run(const char* bootstrap, const char* topic, std::int32_t partitions, std::uint64_t number,
        std::FILE* out) {
  const auto endpoint = rpc::Endpoint::parse(bootstrap);
  if (!endpoint) return std::fprintf(stderr, "%s\n", endpoint.error().message().c_str()), 2;
  const auto client = Client::open({.bootstrap = {*endpoint}, .client_name = "ack-writer"});
  if (!client) return std::fprintf(stderr, "%s\n", client.error().to_string().c_str()), 1;
  // A short delivery timeout: a record that the dead broker never answered has an unknown outcome.
  const auto producer = Producer::open(**client, {.reports = DeliveryReports::kAll,
                                                  .batch_bytes = 16U << 10,
                                                  .linger = milliseconds(1),
                                                  .memory_limit_bytes = 1U << 20,
                                                  .max_block = milliseconds(500),
                                                  .delivery_timeout = milliseconds(500)});
  if (!producer) return std::fprintf(stderr, "%s\n", producer.error().to_string().c_str()), 1;

  std::puts("writing");
  std::fflush(stdout);
  bool healthy = true;
  while (healthy && stop_requested == 0) {
    const std::string value = value_of(number);
    const auto partition = PartitionId(static_cast<std::int32_t>(number) % partitions);
    if (!(*producer)->produce(
            {.topic = topic, .partition = partition, .value = as_bytes(value), .tag = number})) {
      break;
    }
    ++number;
    if (number % 64 == 0) healthy = write_down((*producer)->poll(milliseconds(0)), out);
  }
  (void)(*producer)->close(milliseconds(1'000));  // what it could not deliver is in the reports
  write_down((*producer)->poll(milliseconds(0)), out);
  std::printf("%llu\n", static_cast<unsigned long long>(number));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s BOOTSTRAP TOPIC PARTITIONS FIRST_NUMBER OUTPUT\n", argv[0]);
    return 2;
  }
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  std::FILE* out = std::fopen(argv[5], "w");
  if (out == nullptr) return std::perror(argv[5]), 1;
  const int status =
      run(argv[1], argv[2], std::atoi(argv[3]), std::strtoull(argv[4], nullptr, 10), out);
  if (std::fclose(out) != 0) return std::perror(argv[5]), 1;
  return status;
}
