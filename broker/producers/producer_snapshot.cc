// The bytes of a ProducerTable's committed part. Format: docs/producers.md, "Snapshot".
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/coding.h"
#include "broker/producers/producer_table.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

constexpr std::string_view kMagic = "PSTKPRD1";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 52;
constexpr std::size_t kProducerBytes = 20;
constexpr std::size_t kRunBytes = 16;
constexpr std::size_t kCrcBytes = 4;

template <std::integral T>
void append_le(Bytes& out, T value) {
  std::array<std::byte, sizeof(T)> bytes{};
  store_le(bytes.data(), value);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::unexpected<Error> corrupt(const char* why) {
  return fail(Errc::kCorrupt, std::string("producer snapshot: ") + why);
}

// Fields one after the other; the first one that is missing makes all that follow zero.
class Fields {
 public:
  explicit Fields(ByteView bytes) : from_(bytes) {}
  template <std::integral T>
  T next() {
    T value{};
    good_ = good_ && from_.read_le(value);
    return good_ ? value : T{};
  }
  bool good() const { return good_; }
  bool complete() const { return good_ && from_.remaining() == 0; }
  std::size_t left() const { return from_.remaining(); }

 private:
  ByteReader from_;
  bool good_ = true;
};

Result<KnownProducer> read_producer(Fields& from) {
  KnownProducer producer;
  producer.id = from.next<std::int64_t>();
  producer.epoch = from.next<std::int16_t>();
  const auto runs = from.next<std::uint16_t>();
  producer.active_at = Timestamp(from.next<std::int64_t>());
  if (!from.good() || runs > kMaxRememberedRuns) return corrupt("a producer is cut or too long");
  producer.runs.reserve(runs);
  for (std::uint16_t i = 0; i < runs; ++i) {
    ProducerRun run{from.next<std::int32_t>(), from.next<std::int32_t>(), {}};
    run.base = Offset(from.next<std::int64_t>());
    producer.runs.push_back(run);
  }
  return producer;
}

}  // namespace

Bytes ProducerTable::snapshot(const TopicPartition& partition) const {
  Bytes out;
  out.reserve(kHeaderBytes + producers_.size() * (kProducerBytes + kRunBytes) + kCrcBytes);
  const ByteView magic = as_bytes(kMagic);
  out.insert(out.end(), magic.begin(), magic.end());
  append_le(out, kVersion);
  append_le(out, partition.partition.value());
  out.insert(out.end(), partition.topic.bytes.begin(), partition.topic.bytes.end());
  append_le(out, applied_.value());
  append_le(out, producers_.log_time().ms());
  append_le(out, static_cast<std::uint32_t>(producers_.size()));
  for (const KnownProducer& producer : producers_.all()) {
    append_le(out, producer.id);
    append_le(out, producer.epoch);
    append_le(out, static_cast<std::uint16_t>(producer.runs.size()));
    append_le(out, producer.active_at.ms());
    for (const ProducerRun& run : producer.runs) {
      append_le(out, run.first_sequence);
      append_le(out, run.records);
      append_le(out, run.base.value());
    }
  }
  append_le(out, record::crc32c(out));
  return out;
}

Result<ProducerTable> ProducerTable::restore(ByteView snapshot, const TopicPartition& partition,
                                             ProducerTableOptions options) {
  if (snapshot.size() < kHeaderBytes + kCrcBytes || snapshot.size() > kMaxProducerSnapshotBytes) {
    return corrupt("it is too short or too long");
  }
  const ByteView summed = snapshot.first(snapshot.size() - kCrcBytes);
  if (load_le<std::uint32_t>(snapshot.data() + summed.size()) != record::crc32c(summed)) {
    return corrupt("its checksum does not fit");
  }
  if (as_text(summed.first(kMagic.size())) != kMagic) return corrupt("it has another magic");
  Fields from(summed.subspan(kMagic.size()));
  if (const auto version = from.next<std::uint32_t>(); version != kVersion) {
    return fail(
        Errc::kUnsupportedVersion,
        "producer snapshot of version " + std::to_string(version) + " is unknown to this release");
  }
  TopicPartition whose{.topic = {}, .partition = PartitionId(from.next<std::int32_t>())};
  for (std::byte& one : whose.topic.bytes) one = std::byte(from.next<std::uint8_t>());
  if (whose != partition) {
    return fail(Errc::kForeignData, "producer snapshot of topic " + whose.topic.to_string() +
                                        " partition " + std::to_string(whose.partition.value()));
  }
  const Offset applied(from.next<std::int64_t>());
  const Timestamp log_time(from.next<std::int64_t>());
  const auto count = from.next<std::uint32_t>();
  if (count > kMaxProducersPerPartition) return corrupt("it has too many producers");
  if (applied < Offset(0) || log_time < Timestamp()) return corrupt("an impossible offset or time");
  std::list<KnownProducer> producers;
  for (std::uint32_t i = 0; i < count; ++i) {
    PENSTOCK_TRY_ASSIGN(KnownProducer producer, read_producer(from));
    producers.push_back(std::move(producer));
  }
  if (!from.complete()) return corrupt("it has the wrong length");
  PENSTOCK_TRY_ASSIGN(auto restored,
                      CommittedProducers::restore(options, std::move(producers), log_time));
  if (restored.size() > 0 && restored.all().back().runs.back().end() > applied) {
    return corrupt("it knows more than it says");
  }
  ProducerTable table(options);
  table.producers_ = std::move(restored);
  table.applied_ = table.committed_ = table.end_ = applied;
  return table;
}

}  // namespace penstock::broker
