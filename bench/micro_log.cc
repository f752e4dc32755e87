// Microbenchmarks of the segmented log on the real disk: append, append and flush, cached reads.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "bench/payload.h"
#include "protocol/record/builder.h"
#include "storage/log.h"

namespace penstock::bench {
namespace {

namespace fs = std::filesystem;

// A log in a folder under TMPDIR that goes with it.
class ScratchLog {
 public:
  ScratchLog() {
    std::string pattern = (fs::temp_directory_path() / "penstock-micro-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return;
    dir_ = pattern;
    // Short retention keeps a long benchmark from filling the disk.
    const storage::LogOptions options{.segment_bytes = 256U << 20, .retention_bytes = 512U << 20};
    auto opened =
        storage::Log::open(posix_env(), system_clock(), dir_ + "/log", {.partition = {}}, options);
    if (opened) log_ = std::move(opened->log);
  }
  ~ScratchLog() {
    log_.reset();
    std::error_code ignored;
    if (!dir_.empty()) fs::remove_all(dir_, ignored);
  }
  storage::Log* log() { return log_.get(); }

 private:
  std::string dir_;
  std::unique_ptr<storage::Log> log_;
};

Bytes batch_of(std::size_t bytes) {
  const Payloads payloads(1, bytes);
  record::BatchBuilder builder;
  builder.append(Timestamp(1'700'000'000'000), std::nullopt, payloads.at(0));
  return *builder.build();
}

constexpr std::uint64_t kRetentionEvery = 1024;  // appends

bool append(storage::Log& log, Bytes& batch, std::uint64_t number) {
  if (!log.append(batch, Term(1))) return false;
  return number % kRetentionEvery != 0 || log.apply_retention().has_value();
}

void log_append(benchmark::State& state) {
  ScratchLog scratch;
  if (scratch.log() == nullptr) return state.SkipWithError("open");
  Bytes batch = batch_of(static_cast<std::size_t>(state.range(0)));
  std::uint64_t number = 0;
  for (auto _ : state) {
    if (!append(*scratch.log(), batch, ++number)) return state.SkipWithError("append");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * batch.size()));
}
BENCHMARK(log_append)->Arg(1024)->Arg(262144);

// Real time: the thread sleeps while the disk works.
void log_append_and_flush(benchmark::State& state) {
  ScratchLog scratch;
  if (scratch.log() == nullptr) return state.SkipWithError("open");
  Bytes batch = batch_of(static_cast<std::size_t>(state.range(0)));
  std::uint64_t number = 0;
  for (auto _ : state) {
    if (!append(*scratch.log(), batch, ++number)) return state.SkipWithError("append");
    if (!scratch.log()->flush()) return state.SkipWithError("flush");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * batch.size()));
}
BENCHMARK(log_append_and_flush)->Arg(1024)->Arg(262144)->Arg(4194304)->UseRealTime();

void log_read_cached(benchmark::State& state) {
  ScratchLog scratch;
  if (scratch.log() == nullptr) return state.SkipWithError("open");
  Bytes batch = batch_of(262144);
  for (int i = 0; i < 256; ++i) {
    if (!scratch.log()->append(batch, Term(1))) return state.SkipWithError("append");
  }
  const auto max_bytes = static_cast<std::uint64_t>(state.range(0));
  std::uint64_t bytes = 0;
  Offset at = scratch.log()->log_start();
  for (auto _ : state) {
    auto read = scratch.log()->read(at, max_bytes, storage::ReadUpTo::kEnd);
    if (!read) return state.SkipWithError("read");
    bytes += read->batches.size();
    at = read->next == scratch.log()->log_end() ? scratch.log()->log_start() : read->next;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(log_read_cached)->Arg(1)->Arg(1 << 20);

}  // namespace
}  // namespace penstock::bench
