// Settings of a client, a producer and a consumer: plain values, checked once when they are used.
//
// Units are in the names or types. Every default is finite.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "protocol/record/codec.h"
#include "protocol/rpc/endpoint.h"

namespace penstock::client {

using std::chrono::milliseconds;

struct ClientConfig {
  std::vector<rpc::Endpoint> bootstrap{
      {"127.0.0.1", rpc::kDefaultPort}};  // any broker of the cluster
  std::string client_name = "penstock";
  milliseconds connect_timeout{5'000};
  milliseconds request_timeout{30'000};
  milliseconds retry_backoff{50};  // first pause before a retry; doubles
  milliseconds retry_backoff_max{2'000};
  milliseconds metadata_max_age{60'000};
};

enum class Durability { kTopicDefault, kFsynced, kWritten };

enum class DeliveryReports {
  kAll,         // one Delivery a record, to be taken with poll()
  kErrorsOnly,  // failures and unknown outcomes alone; successes are counted in stats()
};

struct ProducerRecord;
struct Delivery;
class Chunk;

// What sees each record on its way; runs on the application's own threads, within the call that is
// named.
struct ProducerInterceptor {
  // produce(): may change the record; what it makes it point to lives until produce() returns. An
  // error is what produce() returns, and nothing is sent.
  std::function<Status(ProducerRecord&)> accepting = {};
  // poll() and produce_and_wait(): of every delivery that they return.
  std::function<void(const Delivery&)> delivered = {};
};
// poll(): of every chunk that it returns.
using ConsumerInterceptor = std::function<void(const Chunk&)>;

struct ProducerConfig {
  Durability durability = Durability::kTopicDefault;
  DeliveryReports reports = DeliveryReports::kErrorsOnly;
  record::Codec codec = record::Codec::kNone;
  std::size_t batch_bytes = 256U << 10;  // a batch is sent when it is that large ...
  milliseconds linger{2};  // ... or that old; 0: at once, batching only what queues up meanwhile
  std::size_t max_record_bytes = 8U << 20;
  std::size_t memory_limit_bytes =
      64U << 20;  // records accepted and not yet answered; then produce() waits
  std::size_t max_in_flight_requests = 5;  // a broker
  std::size_t max_request_bytes = 4U << 20;
  milliseconds max_block{60'000};  // how long produce() waits for memory or metadata
  milliseconds delivery_timeout{
      120'000};  // from produce() to an outcome; over it: kTimeout, unknown
  // Batches are numbered, so that what is sent again is written once, in its order. Below ten
  // minutes of delivery_timeout that is certain (docs/producers.md). With a cluster of an older
  // release, which does not know numbers, it is as if this were false.
  bool enable_idempotence = true;
  // With a name, a producer that is opened later fences this one (kProducerFenced), in this process
  // or another: at most one writes under the name. Empty: none. Needs enable_idempotence.
  std::string producer_name{};
  std::size_t max_undelivered_reports = 1U << 20;   // reports nobody took yet; then produce() waits
  std::vector<ProducerInterceptor> interceptors{};  // one after the other
};

// Where a consumer begins or goes to.
struct StartAt {
  enum class Kind { kBeginning, kEnd, kOffset, kTime };
  Kind kind = Kind::kBeginning;
  std::int64_t value = 0;  // offset, or milliseconds since 1970

  static StartAt beginning() { return {Kind::kBeginning, 0}; }
  static StartAt end() { return {Kind::kEnd, 0}; }
  static StartAt offset(Offset at) { return {Kind::kOffset, at.value()}; }
  static StartAt time(Timestamp at) { return {Kind::kTime, at.ms()}; }
};

enum class OnOutOfRange { kFail, kBeginning, kEnd };

enum class ReadFrom {
  kLeader,
  // Any replica may answer, with what it knows to be committed, which may be less than the leader
  // does. The leader is read instead when a replica fails, or has had nothing new for a while.
  kAnyReplica,
};

struct ConsumerConfig {
  std::size_t memory_limit_bytes = 64U << 20;  // fetched and not yet taken, over all partitions
  std::size_t fetch_bytes = 4U << 20;          // of one request
  std::size_t partition_fetch_bytes = 1U << 20;
  std::size_t min_fetch_bytes = 1;
  milliseconds max_wait{500};  // long poll
  OnOutOfRange on_out_of_range = OnOutOfRange::kFail;
  ReadFrom read_from = ReadFrom::kLeader;
  record::DecompressLimits decompress{};
  std::vector<ConsumerInterceptor> interceptors{};  // one after the other
};

}  // namespace penstock::client
