#include "bench/floor.h"

#include <spdlog/fmt/fmt.h>
#include <sys/vfs.h>

#include <array>
#include <ostream>

#include "bench/limits.h"

namespace penstock::bench {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string in_kib(std::uint64_t bytes) {
  return bytes < (1U << 20) ? fmt::format("{} KiB", bytes >> 10)
                            : fmt::format("{} MiB", bytes >> 20);
}

// A disk floor on a memory file system is no disk floor; it says so.
std::string file_system_of(const std::string& dir) {
  struct statfs fs{};
  if (::statfs(dir.c_str(), &fs) != 0) return "unknown";
  switch (fs.f_type) {
    case 0xEF53:
      return "ext";
    case 0x58465342:
      return "xfs";
    case 0x9123683E:
      return "btrfs";
    case 0x01021994:
      return "tmpfs";
    case 0x794c7630:
      return "overlay";
    default:
      return fmt::format("{:#x}", static_cast<unsigned long>(fs.f_type));
  }
}

void add_throughput(std::vector<Figure>& figures, Rows& rows, const std::string& kind,
                    std::uint64_t block_bytes, const ThroughputFloor& floor) {
  figures.push_back(Figure("FLOOR")
                        .add("kind", kind)
                        .add("block_bytes", block_bytes)
                        .add("mb_per_s", floor.mb_per_s())
                        .add("per_s", static_cast<double>(floor.operations) / floor.seconds)
                        .add("seconds", floor.seconds));
  rows.push_back({kind + " " + in_kib(block_bytes), four_digits(floor.mb_per_s()) + " MB/s", ""});
}

void add_latency(std::vector<Figure>& figures, Rows& rows, const std::string& kind,
                 std::uint64_t block_bytes, const LatencyFloor& floor) {
  const auto ms = [&](double quantile) {
    return static_cast<double>(floor.latency.percentile(quantile)) / 1e6;
  };
  figures.push_back(Figure("FLOOR")
                        .add("kind", kind)
                        .add("block_bytes", block_bytes)
                        .add("p50_ms", ms(0.5))
                        .add("p99_ms", ms(0.99))
                        .add("max_ms", ms(1))
                        .add("count", floor.latency.count()));
  rows.push_back({fmt::format("{} {} B", kind, block_bytes), "p50 " + four_digits(ms(0.5)) + " ms",
                  "p99 " + four_digits(ms(0.99)) + " ms"});
}

}  // namespace

Result<std::vector<Figure>> run_floors(Env& env, const FloorOptions& options, std::ostream& out) {
  std::vector<Figure> figures;
  Rows rows;
  figures.push_back(
      Figure("FLOOR").add("kind", "disk").add("file_system", file_system_of(options.dir)));
  // From what one request brings to what a busy broker gathers meanwhile.
  for (const std::uint64_t flush :
       std::array{64U << 10, 256U << 10, 1U << 20, 4U << 20, 16U << 20}) {
    PENSTOCK_TRY_ASSIGN(const auto floor, flushed_write_floor(env, options, flush));
    add_throughput(figures, rows, "flushed_write", flush, floor);
    PENSTOCK_TRY_ASSIGN(const auto overlapped,
                        flushed_write_floor(env, options, flush, FlushPattern::kOverlapped));
    add_throughput(figures, rows, "flushed_write_overlapped", flush, overlapped);
  }
  PENSTOCK_TRY_ASSIGN(const auto flush, small_flush_floor(env, options, 4096));
  add_latency(figures, rows, "flush", 4096, flush);
  for (const std::size_t write : std::array{64U << 10, 256U << 10, 1U << 20}) {
    PENSTOCK_TRY_ASSIGN(const auto floor, loopback_stream_floor(options, write));
    add_throughput(figures, rows, "loopback_stream", write, floor);
  }
  PENSTOCK_TRY_ASSIGN(const auto ping, loopback_ping_floor(options, 1024));
  add_latency(figures, rows, "loopback_ping", 1024, ping);
  add_throughput(figures, rows, "memory_copy", kFloorMemoryBytes, memory_copy_floor(options));
  for (const std::size_t block : std::array{1U << 10, 1U << 20}) {
    add_throughput(figures, rows, "crc32c", block, crc32c_floor(options, block));
  }
  print_table(out, rows);
  for (const Figure& figure : figures) out << figure.line() << '\n';
  return figures;
}

}  // namespace penstock::bench
