// Microbenchmarks of the record codec, CRC-32C, compression and frames.
#include <benchmark/benchmark.h>

#include "bench/payload.h"
#include "protocol/record/builder.h"
#include "protocol/record/codec.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/record.h"
#include "protocol/wire/frame.h"

namespace penstock::bench {
namespace {

constexpr std::size_t kBatchBytes = 256U << 10;  // what a producer sends by default

std::uint64_t records_in_batch(std::size_t record_bytes) {
  return std::max<std::uint64_t>(1, kBatchBytes / record_bytes);
}

Bytes batch_of(std::size_t record_bytes, record::Codec codec = record::Codec::kNone) {
  const Payloads payloads(1, record_bytes);
  record::BatchBuilder builder({.codec = codec});
  for (std::uint64_t i = 0; i < records_in_batch(record_bytes); ++i) {
    builder.append(Timestamp(1'700'000'000'000), std::nullopt, payloads.at(i));
  }
  return *builder.build();
}

void count(benchmark::State& state, std::uint64_t records, std::uint64_t bytes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * records));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

void batch_build(benchmark::State& state) {
  const auto record_bytes = static_cast<std::size_t>(state.range(0));
  const Payloads payloads(1, record_bytes);
  const std::uint64_t records = records_in_batch(record_bytes);
  record::BatchBuilder builder;
  std::uint64_t next = 0;
  for (auto _ : state) {
    for (std::uint64_t i = 0; i < records; ++i) {
      builder.append(Timestamp(1'700'000'000'000), std::nullopt, payloads.at(next++));
    }
    auto batch = builder.build();
    benchmark::DoNotOptimize(batch);
  }
  count(state, records, records * record_bytes);
}
BENCHMARK(batch_build)->Arg(16)->Arg(100)->Arg(1024)->Arg(16384);

void batch_iterate(benchmark::State& state) {
  const auto record_bytes = static_cast<std::size_t>(state.range(0));
  const Bytes bytes = batch_of(record_bytes);
  for (auto _ : state) {
    auto records = record::Records::open(*record::BatchView::parse(bytes));
    while (auto record = *records->next()) benchmark::DoNotOptimize(record->value);
  }
  count(state, records_in_batch(record_bytes), bytes.size());
}
BENCHMARK(batch_iterate)->Arg(16)->Arg(100)->Arg(1024)->Arg(16384);

void batch_parse_and_check(benchmark::State& state) {
  const Bytes bytes = batch_of(1024);
  for (auto _ : state) {
    auto status = record::BatchView::parse(bytes)->verify_crc();
    benchmark::DoNotOptimize(status);
  }
  count(state, 1, bytes.size());
}
BENCHMARK(batch_parse_and_check);

void record_hash(benchmark::State& state) {
  const auto record_bytes = static_cast<std::size_t>(state.range(0));
  const Bytes bytes = batch_of(record_bytes);
  auto records = record::Records::open(*record::BatchView::parse(bytes));
  const record::RecordView record = **records->next();
  for (auto _ : state) {
    auto hash = record::hash_record(record, Term(1));
    benchmark::DoNotOptimize(hash);
  }
  count(state, 1, record_bytes);
}
BENCHMARK(record_hash)->Arg(100)->Arg(1024);

template <std::uint32_t (*kCrc)(ByteView, std::uint32_t)>
void crc(benchmark::State& state) {
  const Bytes bytes(static_cast<std::size_t>(state.range(0)), std::byte{0x5a});
  for (auto _ : state) {
    auto sum = kCrc(bytes, 0);
    benchmark::DoNotOptimize(sum);
  }
  count(state, 1, bytes.size());
}
BENCHMARK(crc<record::crc32c>)->Name("crc32c")->Arg(28)->Arg(256)->Arg(4096)->Arg(262144);
BENCHMARK(crc<record::crc32c_portable>)->Name("crc32c_portable")->Arg(256)->Arg(262144);

void compress(benchmark::State& state) {
  const auto codec = static_cast<record::Codec>(state.range(0));
  const Bytes plain = batch_of(1024);
  Bytes out;
  for (auto _ : state) {
    out.clear();
    auto status = record::compress(codec, plain, out);
    benchmark::DoNotOptimize(status);
  }
  count(state, 1, plain.size());
  state.SetLabel(std::string(record::name(codec)));
  state.counters["ratio"] = static_cast<double>(plain.size()) / static_cast<double>(out.size());
}
BENCHMARK(compress)->DenseRange(1, 4);

void decompress(benchmark::State& state) {
  const auto codec = static_cast<record::Codec>(state.range(0));
  const Bytes plain = batch_of(1024);
  Bytes packed;
  if (!record::compress(codec, plain, packed)) return state.SkipWithError("compress");
  Bytes out;
  for (auto _ : state) {
    out.clear();
    auto status = record::decompress(codec, packed, {}, out);
    benchmark::DoNotOptimize(status);
  }
  count(state, 1, plain.size());
  state.SetLabel(std::string(record::name(codec)));
}
BENCHMARK(decompress)->DenseRange(1, 4);

// Header and check of a frame around a produce request's message; the attachment is not touched.
void frame_encode(benchmark::State& state) {
  const Bytes message(64, std::byte{0x5a});
  wire::FrameHeader header{.api = 16, .version = 1, .message_bytes = 64};
  for (auto _ : state) {
    ++header.correlation;
    auto bytes = wire::encode_frame_header(header, message);
    benchmark::DoNotOptimize(bytes);
  }
  count(state, 1, wire::kFrameHeaderSize + message.size());
}
BENCHMARK(frame_encode);

void frame_decode(benchmark::State& state) {
  const Bytes message(64, std::byte{0x5a});
  const auto bytes =
      wire::encode_frame_header({.api = 16, .version = 1, .message_bytes = 64}, message);
  for (auto _ : state) {
    auto header = wire::decode_frame_header(bytes, 1U << 20);
    auto checked = wire::check_frame(bytes, message);
    benchmark::DoNotOptimize(header);
    benchmark::DoNotOptimize(checked);
  }
  count(state, 1, wire::kFrameHeaderSize + message.size());
}
BENCHMARK(frame_decode);

}  // namespace
}  // namespace penstock::bench
