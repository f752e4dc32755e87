// The table of the bench's flags and what their texts mean.
#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "bench/bench_command.h"
#include "bench/limits.h"

namespace penstock::bench {
namespace {

std::unexpected<Error> refuse(std::string_view text, std::string_view wanted) {
  return fail(Errc::kInvalidArgument, "'" + std::string(text) + "' is no " + std::string(wanted));
}

// "1500", and "64K", "4M", "2G" in powers of 1024.
Result<std::uint64_t> parse_count(std::string_view text) {
  constexpr std::string_view kWanted = "whole number (write 1500, 64K, 4M or 2G)";
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return refuse(text, kWanted);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  int shift = 0;
  if (unit == "K") shift = 10;
  if (unit == "M") shift = 20;
  if (unit == "G") shift = 30;
  if (shift == 0 && !unit.empty()) return refuse(text, kWanted);
  if (value > (UINT64_MAX >> shift)) return refuse(text, kWanted);
  return value << shift;
}

Result<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0)) {
    return refuse(text, "number of 0 or more");
  }
  return value;
}

template <auto Member>
Status set_count(BenchConfig& config, std::string_view text) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t value, parse_count(text));
  using Field = std::remove_reference_t<decltype(config.*Member)>;
  if constexpr (std::is_same_v<Field, std::uint32_t>) {
    if (value > UINT32_MAX) return refuse(text, "number below 2^32");
    config.*Member = static_cast<std::uint32_t>(value);
  } else {
    config.*Member = value;
  }
  return {};
}

template <auto Member>
Status set_number(BenchConfig& config, std::string_view text) {
  PENSTOCK_TRY_ASSIGN(config.*Member, parse_number(text));
  return {};
}

template <auto Member>
Status set_text(BenchConfig& config, std::string_view text) {
  config.*Member = std::string(text);
  return {};
}

Status set_durability(BenchConfig& config, std::string_view text) {
  if (text == "fsynced") {
    config.durability = client::Durability::kFsynced;
  } else if (text == "written") {
    config.durability = client::Durability::kWritten;
  } else if (text == "topic") {
    config.durability = client::Durability::kTopicDefault;
  } else {
    return refuse(text, "durability (write fsynced, written or topic)");
  }
  return {};
}

Status set_codec(BenchConfig& config, std::string_view text) {
  PENSTOCK_TRY_ASSIGN(config.codec, record::codec_from_name(text));
  return {};
}

Status set_latency(BenchConfig& config, std::string_view text) {
  if (text == "all") {
    config.latency = LatencyReports::kAll;
  } else if (text == "none") {
    config.latency = LatencyReports::kNone;
  } else {
    return refuse(text, "choice of latency reports (write all or none)");
  }
  return {};
}

Status set_broker_pid(BenchConfig& config, std::string_view text) {
  if (text == "none") {
    config.broker_pid = -1;
    return {};
  }
  PENSTOCK_TRY_ASSIGN(const std::uint64_t pid, parse_count(text));
  if (pid > INT32_MAX) return refuse(text, "process id");
  config.broker_pid = static_cast<std::int64_t>(pid);
  return {};
}

Status set_metrics(BenchConfig& config, std::string_view text) {
  PENSTOCK_TRY_ASSIGN(config.metrics, rpc::Endpoint::parse(text));
  return {};
}

constexpr std::array kFlags = {
    BenchFlag{"topic", "", "topic to use and keep; without it a temporary one is made and deleted",
              set_text<&BenchConfig::topic>},
    BenchFlag{"partitions", "1", "partitions of the temporary topic",
              set_count<&BenchConfig::partitions>},
    BenchFlag{"records", "0", "stop after that many records; 0: --seconds decides",
              set_count<&BenchConfig::records>},
    BenchFlag{"seconds", "5", "stop after that long", set_number<&BenchConfig::seconds>},
    BenchFlag{"warmup_seconds", "1", "of a load with --rate: sent, but not measured",
              set_number<&BenchConfig::warmup_seconds>},
    BenchFlag{"record_bytes", "1024", "size of each record's value (K, M: powers of 1024)",
              set_count<&BenchConfig::record_bytes>},
    BenchFlag{"rate", "", "records a second, open loop; default: produce 0 (no limit), e2e 10000",
              set_number<&BenchConfig::rate>},
    BenchFlag{"producers", "1", "producers, each with its own client and threads",
              set_count<&BenchConfig::producers>},
    BenchFlag{"consumers", "1", "consumers, each with its own client; partitions are dealt out",
              set_count<&BenchConfig::consumers>},
    BenchFlag{"latency", "all", "all: time every acknowledgement; none: throughput only",
              set_latency},
    BenchFlag{"seed", "1", "of the record contents", set_count<&BenchConfig::seed>},
    BenchFlag{"durability", "fsynced", "fsynced, written, or topic: what the topic says",
              set_durability},
    BenchFlag{"codec", "none", "compression: none, gzip, snappy, lz4 or zstd", set_codec},
    BenchFlag{"batch_bytes", "", "batch size of the producer; default: the client's",
              set_count<&BenchConfig::batch_bytes>},
    BenchFlag{"linger_ms", "", "how long a batch waits for more; default: the client's, e2e 0",
              set_count<&BenchConfig::linger_ms>},
    BenchFlag{"memory_limit_bytes", "",
              "memory of each producer or consumer; default: the client's",
              set_count<&BenchConfig::memory_limit_bytes>},
    BenchFlag{"floor_dir", ".", "folder on the broker's disk, for the disk's own limit",
              set_text<&BenchConfig::floor_dir>},
    BenchFlag{"floor_seconds", "1", "duration of each floor; 0: measure none, print no ratios",
              set_number<&BenchConfig::floor_seconds>},
    BenchFlag{"floor_flush_bytes", "0",
              "flush pattern of the disk floor; 0: what the broker did, else 1M",
              set_count<&BenchConfig::floor_flush_bytes>},
    BenchFlag{"broker_pid", "0", "process whose CPU is counted; 0: the local listener; none",
              set_broker_pid},
    BenchFlag{
        "metrics", "",
        "HOST:PORT of the broker's metrics, for bytes per flush; default: one port further on",
        set_metrics},
    BenchFlag{"json", "", "also write the figures to this file", set_text<&BenchConfig::json_file>},
};

}  // namespace

std::span<const BenchFlag> bench_flags() { return kFlags; }

const BenchFlag* find_bench_flag(std::string_view name) {
  const auto* found = std::ranges::find(kFlags, name, &BenchFlag::name);
  return found == kFlags.end() ? nullptr : found;
}

Result<BenchMode> bench_mode_from_name(std::string_view name) {
  if (name == "produce") return BenchMode::kProduce;
  if (name == "consume") return BenchMode::kConsume;
  if (name == "e2e") return BenchMode::kE2e;
  if (name == "floor") return BenchMode::kFloor;
  return refuse(name, "bench (write produce, consume, e2e or floor)");
}

}  // namespace penstock::bench
