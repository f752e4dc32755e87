// The bytes of a ProducerTable's committed part. Format: docs/producers.md, "Snapshot".
#include <string>
#include <string_view>
#include <utility>

#include "base/coding.h"
#include "base/fields.h"
#include "broker/producers/producer_table.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

constexpr std::string_view kMagic = "PSTKPRD1";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 52;
constexpr std::size_t kCrcBytes = 4;

std::unexpected<Error> corrupt(const char* why) {
  return fail(Errc::kCorrupt, std::string("producer snapshot: ") + why);
}

Result<KnownProducer> read_producer(FieldReader& from) {
  KnownProducer producer;
  producer.id = from.integer<std::int64_t>();
  producer.epoch = from.integer<std::int16_t>();
  const auto runs = from.integer<std::uint16_t>();
  producer.active_at = from.timestamp();
  if (!from.is_good() || runs > kMaxRememberedRuns) return corrupt("a producer is cut or too long");
  producer.runs.reserve(runs);
  for (std::uint16_t i = 0; i < runs; ++i) {
    ProducerRun run{from.integer<std::int32_t>(), from.integer<std::int32_t>(), {}};
    run.base = from.offset();
    producer.runs.push_back(run);
  }
  return producer;
}

}  // namespace

Bytes ProducerTable::snapshot(const TopicPartition& partition) const {
  FieldWriter to;
  to.raw(as_bytes(kMagic)).integer(kVersion);
  to.integer(partition.partition.value()).uuid(partition.topic);
  to.offset(applied_).timestamp(producers_.log_time());
  to.integer(static_cast<std::uint32_t>(producers_.size()));
  for (const KnownProducer& producer : producers_.all()) {
    to.integer(producer.id).integer(producer.epoch);
    to.integer(static_cast<std::uint16_t>(producer.runs.size())).timestamp(producer.active_at);
    for (const ProducerRun& run : producer.runs) {
      to.integer(run.first_sequence).integer(run.records).offset(run.base);
    }
  }
  to.integer(record::crc32c(to.bytes()));
  return to.take();
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
  FieldReader from(summed.subspan(kMagic.size()));
  if (const auto version = from.integer<std::uint32_t>(); version != kVersion) {
    return fail(
        Errc::kUnsupportedVersion,
        "producer snapshot of version " + std::to_string(version) + " is unknown to this release");
  }
  TopicPartition whose;
  whose.partition = PartitionId(from.integer<std::int32_t>());
  whose.topic = from.uuid();
  if (whose != partition) {
    return fail(Errc::kForeignData, "producer snapshot of topic " + whose.topic.to_string() +
                                        " partition " + std::to_string(whose.partition.value()));
  }
  const Offset applied(from.integer<std::int64_t>());
  const Timestamp log_time(from.integer<std::int64_t>());
  const auto count = from.integer<std::uint32_t>();
  if (count > kMaxProducersPerPartition) return corrupt("it has too many producers");
  if (applied < Offset(0) || log_time < Timestamp()) return corrupt("an impossible offset or time");
  std::list<KnownProducer> producers;
  for (std::uint32_t i = 0; i < count; ++i) {
    PENSTOCK_TRY_ASSIGN(KnownProducer producer, read_producer(from));
    producers.push_back(std::move(producer));
  }
  if (!from.is_complete()) return corrupt("it has the wrong length");
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
