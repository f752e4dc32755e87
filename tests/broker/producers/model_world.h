// A partition's three replicas with their producer tables, and producers that write to them, under
// weather: requests that are late, lost or repeated, leaders that change, tails that are cut, logs
// that begin later, producers that come back.
//
// Every answer of a table is compared with a naive reading of the whole log of its replica. The
// producers do what the decision about idempotent producers asks of them, and keep for how each
// batch ended.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/broker/producers/batches.h"

namespace penstock::broker::model {

struct Tally {
  std::uint64_t delivered = 0;
  std::uint64_t repeated = 0;   // answers out of the table
  std::uint64_t forgotten = 0;  // ... without an offset
  std::uint64_t fenced = 0;
  std::uint64_t unknown_producers = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t overloaded = 0;
  std::uint64_t unknown = 0;  // outcomes
  std::uint64_t cuts = 0;     // of tails that held something
  std::uint64_t restarts = 0;
  std::uint64_t installs = 0;
  std::uint64_t expired = 0;
  std::uint64_t evicted = 0;
};

struct Entry {
  PlacedBatch batch;
  std::int32_t term = 0;
  std::uint64_t payload = 0;  // what a producer's caller handed over; 0: nobody's
};
using Log = std::vector<Entry>;

struct Replica {
  explicit Replica(ProducerTableOptions options) : table(options) {}
  ProducerTable table;
  Log log;  // from offset 0 on, for the judge; the replica itself has [log_start, end)
  Offset log_start;
  Offset committed;
  Bytes snapshot;
  std::int32_t term = 0;
  bool leads = false;

  Offset end() const { return log.empty() ? Offset(0) : log.back().batch.end; }
  const Entry* find(std::uint64_t payload) const;
};

enum class Fate : std::uint8_t { kOpen, kDelivered, kFailed, kUnknown };

struct Sent {
  std::uint64_t payload = 0;
  NumberedBatch numbers;
  std::int64_t created = 0;
  bool under_way = false;
  bool doubt = false;
};

// One life of one producer.
struct Producer {
  std::int64_t id = 0;
  std::int16_t epoch = 0;
  std::string name;  // empty: its number is its own
  std::int32_t next_sequence = 0;
  std::vector<Sent> open;
  std::size_t requests = 0;
  std::int64_t silent_until = 0;
  bool alone = false;  // the next request holds one batch
  bool stopped = false;
};

struct Request {
  std::size_t producer = 0;
  std::vector<std::uint64_t> payloads;
  Bytes batches;
  std::size_t to = 0;
  std::int64_t sent = 0;
  std::int64_t arrives = 0;  // not before
  bool given_up = false;     // its producer waits for it no more; it may still arrive
  bool received = false;
  // Answered when that is committed there, if it is there then.
  bool in_log = false;
  std::vector<Verdict> verdicts;
};

class World {
 public:
  World(std::uint64_t seed, Tally& tally);
  // What is wrong; empty: nothing.
  std::string live();

 private:
  // --- replicas
  void step_replicas();
  void elect();
  void sync(std::size_t follower);
  void append(Replica& to, PlacedBatch batch, std::uint64_t payload);
  void commit();
  void restart(Replica& replica);
  void expire_records(Replica& replica);
  void install(std::size_t follower);
  void damage(Replica& replica);
  void compare_tables();

  // --- producers
  void step_producers();
  Producer new_producer();
  void send(std::size_t index);
  void time_out(std::size_t index);
  void new_epoch(Producer& producer);
  void stop(Producer& producer, Fate without_doubt);
  void settle(Producer& producer, std::uint64_t payload, Fate fate);
  Sent* find(Producer& producer, std::uint64_t payload);

  // --- requests
  void step_requests();
  void receive(Request& request);
  void judge(const Replica& at, const NumberedBatch& batch, std::uint64_t payload,
             const Verdict& verdict);
  void answer_committed();
  void refuse(Request& request, Errc code);
  void lose(Request& request);

  void judge_end();
  void complain(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }

  Rng rng_;
  Tally& tally_;
  ProducerTableOptions options_;
  bool stamps_batches_;
  bool has_large_batches_;
  std::int64_t now_ = 1'000'000;
  std::vector<Replica> replicas_;
  std::size_t leader_ = 0;
  std::vector<Producer> producers_;
  std::vector<std::size_t> alive_;
  std::map<std::string, std::pair<std::int64_t, std::int16_t>> names_;  // the controller's
  std::int64_t next_id_ = 1;
  std::uint64_t next_payload_ = 1;
  std::vector<Request> requests_;
  std::map<std::uint64_t, Fate> fates_;
  std::map<std::uint64_t, Offset> told_;  // where delivered batches are
  bool healed_ = false;
  std::string wrong_;
};

// What a careful but slow reader makes of committed entries: who is known, the oldest first.
std::vector<std::int64_t> naively_known(const Log& log, Offset committed,
                                        const ProducerTableOptions& options);

}  // namespace penstock::broker::model
