// LoadProducer: one producer of a load: its own client, a thread that sends and one that times the
// answers.
//
// Invariants: latency counts from when a record was due (open loop) or from the call of produce()
// (as fast as possible: then it is mostly the time in the producer's own queue, and says how deep
// that is).
// Threads: open(), run() and finish() from one thread; run() returns at once. Lifetime: finish()
// before destruction.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "base/result.h"
#include "bench/bench_command.h"
#include "bench/histogram.h"
#include "bench/open_loop.h"
#include "bench/payload.h"
#include "client/client.h"
#include "client/producer.h"

namespace penstock::bench {

// What one producer is to do; the same start for all of a run.
struct LoadPlan {
  std::int64_t start_ns = 0;
  std::int64_t stop_ns = 0;          // steady; nothing is sent after it
  std::int64_t measure_from_ns = 0;  // records due before it are not measured
  std::uint64_t records = 0;         // 0: until stop_ns
  double rate = 0;                   // of this producer; 0: as fast as possible
  std::optional<std::uint64_t> run;  // stamp the records with it
  std::uint16_t producer = 0;
};

struct LoadOutcome {
  std::uint64_t sent = 0;  // accepted by produce()
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;  // definitely not written, refusals of produce() included
  std::uint64_t unknown = 0;
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;
  std::uint64_t batch_bytes = 0;  // as sent
  std::int64_t end_ns = 0;        // when the last outcome was known
  std::string first_error;
  Histogram latency;

  void add(const LoadOutcome& other);
};

class LoadProducer {
 public:
  // Connects, and waits for one record's delivery so that neither metadata nor connecting is
  // measured.
  static Result<std::unique_ptr<LoadProducer>> open(const BenchConfig& config,
                                                    const std::string& topic);
  ~LoadProducer();

  void run(const LoadPlan& plan);
  // Waits until every record has an outcome.
  Result<LoadOutcome> finish();

 private:
  LoadProducer(const BenchConfig& config, std::string topic);

  void send_all(const LoadPlan& plan);
  bool send_one(const LoadPlan& plan, std::uint64_t index, std::int64_t due_ns);
  void collect(const LoadPlan& plan);

  std::string topic_;
  LatencyReports latency_reports_;
  Payloads payloads_;
  Bytes stamped_;  // the record that is being stamped; the sending thread's
  std::unique_ptr<client::Client> client_;
  std::unique_ptr<client::Producer> producer_;
  std::uint64_t warmup_records_ = 0;

  std::thread sender_;
  std::thread collector_;
  std::atomic<bool> flushed_ = false;
  Status flush_status_;        // the sender's, read after join
  std::uint64_t refused_ = 0;  // the sender's
  std::string refusal_;        // the sender's
  std::int64_t end_ns_ = 0;    // the sender's
  LoadOutcome answers_;        // the collector's, read after join
};

}  // namespace penstock::bench
