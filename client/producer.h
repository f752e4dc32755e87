// Producer: publishes records; batches, compresses, retries, and tells the outcome of each.
//
// Guarantees, failure by failure: docs/client.md. In short: a record is *delivered* (durable as the
// topic or config asks, with a receipt), *failed* (definitely not written), or *unknown* (deadline
// passed or connection lost after sending and retries are used up); records of one partition keep
// the order of produce() calls, retries included; a retry after an unknown outcome may write twice.
// Threads: all methods from any thread; produce() calls of one thread keep their order.
// Interceptors run within produce() and poll(), on their callers. Lifetime: close() (or the
// destructor, which closes with a deadline of 0) before the Client goes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "protocol/record/record.h"

namespace penstock::client {

// Borrowed for the duration of produce(), which copies what it needs.
struct ProducerRecord {
  std::string_view topic;
  std::optional<PartitionId>
      partition{};  // none: by key (murmur2, as Kafka does), or sticky without a key
  std::optional<ByteView> key{};
  std::optional<ByteView> value{};
  std::optional<Timestamp> timestamp{};  // none: now
  std::span<const record::HeaderView> headers{};
  std::uint64_t tag = 0;  // comes back in the Delivery
};

struct Receipt {
  std::uint32_t replicas_fsynced = 0;
  std::uint32_t replicas_written = 0;
  std::uint32_t replicas = 0;
};

// Of a record that is durable, when the brokers have forgotten its place: the answer to an attempt
// long ago was lost.
inline constexpr Offset kUnknownOffset{-1};

struct Delivery {
  std::uint64_t tag = 0;
  PartitionId partition{};
  Offset offset{};  // valid when delivered; kUnknownOffset: it is not known any more where
  Receipt receipt{};
  std::shared_ptr<const Error> error{};  // null: delivered. error->outcome(): failed or unknown.
  // Delivered, and an earlier attempt that got no answer may have written it as well.
  bool may_be_twice = false;
};

struct ProducerStats {
  std::uint64_t records_accepted = 0;
  std::uint64_t records_delivered = 0;
  std::uint64_t records_failed = 0;  // definitely not written
  std::uint64_t records_unknown = 0;
  std::uint64_t bytes_delivered = 0;  // of batches, as sent
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;
  std::uint64_t memory_bytes = 0;  // in use now
};

class Producer {
 public:
  static Result<std::unique_ptr<Producer>> open(Client& client, ProducerConfig config);
  ~Producer();

  // Accepts one record. Waits while the memory limit is reached or the topic is not yet known, at
  // most max_block. An error means that the record was not accepted: kUnknownTopic,
  // kUnknownPartition, kRecordTooLarge, kOverloaded (memory), kShuttingDown (closed), or why
  // metadata could not be had.
  Status produce(const ProducerRecord& record);

  // Accepts one record and waits for its outcome.
  Result<Delivery> produce_and_wait(const ProducerRecord& record);

  // Outcomes since the last call, in the order of each partition; waits up to `wait` for the first
  // one.
  std::vector<Delivery> poll(milliseconds wait);

  // Sends everything accepted so far without lingering and waits until each has an outcome.
  // kTimeout when that takes longer; the rest stays under way.
  Status flush(milliseconds timeout);

  // flush(), then ends: what has no outcome by then fails (never sent) or is unknown (sent).
  Status close(milliseconds timeout);

  // Every call that waits now, on whatever thread, returns: produce() with kOverloaded, the record
  // not accepted; produce_and_wait() with kCancelled, the record perhaps written; flush() with
  // kCancelled, the rest still under way; poll() with what there is. Only the first produce() to a
  // topic waits on, for what the brokers know of it.
  void cancel();

  ProducerStats stats() const;

  class Core;

 private:
  explicit Producer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace penstock::client
