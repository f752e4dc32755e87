// Publishes very many records (bulk.h) as fast as the cluster takes them.
//
//   penstock-bulk-writer BOOTSTRAP TOPIC PARTITIONS RECORDS VALUE_BYTES
//
// Prints one JSON object: acknowledged, not_acknowledged, retries (each may have written twice).
#include <cstdio>
#include <cstdlib>

#include "client/producer.h"
#include "tests/nemesis/bulk.h"
#include "tests/nemesis/client_arguments.h"
#include "tests/nemesis/history_output.h"

namespace {

using namespace penstock;
using namespace penstock::client;

constexpr milliseconds kPatience{60'000};

Status write(Producer& producer, const std::string& topic, std::uint64_t partitions,
             std::uint64_t records, std::size_t value_bytes) {
  for (std::uint64_t i = 0; i < records; ++i) {
    const std::string value = nemesis::value_of(nemesis::bulk_name(i), value_bytes);
    PENSTOCK_TRY(
        producer.produce({.topic = topic,
                          .partition = PartitionId(static_cast<std::int32_t>(i % partitions)),
                          .value = as_bytes(value)}));
  }
  return producer.flush(kPatience);
}

Status run(char** argv) {
  const auto endpoints = nemesis::endpoints_of(argv[1]);
  if (!endpoints) return fail(Errc::kInvalidArgument, "not HOST:PORT,...");
  PENSTOCK_TRY_ASSIGN(const auto client, nemesis::open_client(*endpoints, "bulk-writer"));
  PENSTOCK_TRY_ASSIGN(const auto producer, Producer::open(*client, {.linger = milliseconds(5)}));
  const Status status =
      write(*producer, argv[2], std::strtoull(argv[3], nullptr, 10),
            std::strtoull(argv[4], nullptr, 10), std::strtoull(argv[5], nullptr, 10));
  const ProducerStats stats = producer->stats();
  std::printf(R"({"acknowledged": %llu, "not_acknowledged": %llu, "retries": %llu})"
              "\n",
              static_cast<unsigned long long>(stats.records_delivered),
              static_cast<unsigned long long>(stats.records_failed + stats.records_unknown),
              static_cast<unsigned long long>(stats.retries));
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: %s BOOTSTRAP TOPIC PARTITIONS RECORDS VALUE_BYTES\n", argv[0]);
    return 2;
  }
  const Status status = run(argv);
  if (!status) std::fprintf(stderr, "%s\n", status.error().to_string().c_str());
  return status ? 0 : 1;
}
