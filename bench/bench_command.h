// What `penstock bench` runs: a plain config, the table of its flags, and one call.
//
//   BenchConfig config{.mode = BenchMode::kProduce, .bootstrap = {{"127.0.0.1", 7333}}};
//   for each --name=value: find_bench_flag(name)->set(config, value)
//   Status status = run_bench(config, std::cout);
//
// Units: MB is 10^6 bytes of record values; latencies are milliseconds from the *intended* send
// time. Format: results are a table for people, and one figure line each for scripts:
// `BENCH_PRODUCE key=value ...`, `BENCH_CONSUME ...`, `BENCH_E2E ...`, `FLOOR ...`
// (docs/performance.md lists the keys). Failure: an error when the run could not be made, or when
// it was made and a record was lost, failed or unknown; the figures are printed in the latter case
// too.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/config.h"
#include "protocol/record/codec.h"
#include "protocol/rpc/channel.h"

namespace penstock::bench {

enum class BenchMode {
  kProduce,  // publish as fast as acknowledgements allow, or at --rate
  kConsume,  // read a whole topic from its beginning; without --topic one is filled first
  kE2e,      // publish at --rate and measure until a consumer holds the record
  kFloor,    // the machine's own limits alone; needs no broker
};

// "produce", "consume", "e2e", "floor"; kInvalidArgument names them.
Result<BenchMode> bench_mode_from_name(std::string_view name);

enum class LatencyReports {
  kAll,   // every acknowledgement is timed
  kNone,  // throughput only: delivery reports of successes are off
};

struct BenchConfig {
  BenchMode mode = BenchMode::kProduce;
  std::vector<rpc::Endpoint> bootstrap{{"127.0.0.1", rpc::kDefaultPort}};

  std::string topic{};           // empty: a temporary one, created before and deleted afterwards
  std::uint32_t partitions = 1;  // of the temporary topic
  std::uint64_t records = 0;     // stop after that many in all; 0: --seconds decides
  double seconds = 5;            // stop after that long; with records > 0 whichever comes first
  double warmup_seconds = 1;     // of an open loop: its records are sent but not measured
  std::uint64_t record_bytes = 1024;  // of each value; records have no key
  double rate = 0;  // records a second over all producers, open loop; 0: as fast as possible
                    // (e2e: 10,000)
  std::uint32_t producers = 1;  // each with its own client and threads
  std::uint32_t consumers = 1;  // likewise; partitions are dealt out
  LatencyReports latency = LatencyReports::kAll;
  std::uint64_t seed = 1;  // of the record contents

  client::Durability durability = client::Durability::kFsynced;
  record::Codec codec = record::Codec::kNone;
  std::optional<std::uint64_t> batch_bytes{};  // none: the client's default
  std::optional<std::uint64_t> linger_ms{};    // none: the client's default; e2e: 0
  std::optional<std::uint64_t> memory_limit_bytes{};

  std::string floor_dir = ".";  // for the disk floors: put it on the broker's disk
  double floor_seconds = 1;     // of each floor; 0: none are measured, no ratios are printed
  std::uint64_t floor_flush_bytes = 0;  // 0: what the broker's metrics say it flushed, else 1 MiB
  std::int64_t broker_pid = 0;  // 0: whoever listens on a loopback bootstrap address; -1: none
  // The broker's metrics listener, for bytes per flush; none: one port above the first bootstrap.
  std::optional<rpc::Endpoint> metrics{};

  std::string json_file{};  // empty: none
};

struct BenchFlag {
  std::string_view name;           // "record_bytes"
  std::string_view default_value;  // as text; "" where the mode decides, and `help` says how
  std::string_view help;           // one line
  // kInvalidArgument says what the flag takes.
  Status (*set)(BenchConfig& config, std::string_view text);
};

// All of them but those that choose mode and brokers, which are the command line's own.
std::span<const BenchFlag> bench_flags();
const BenchFlag* find_bench_flag(std::string_view name);  // null: unknown

Status run_bench(const BenchConfig& config, std::ostream& out);

}  // namespace penstock::bench
