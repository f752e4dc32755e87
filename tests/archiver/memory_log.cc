#include "tests/archiver/memory_log.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace penstock::archiver {
namespace {

Bytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return Bytes(view.begin(), view.end());
}

std::optional<Bytes> any_bytes(Rng& rng) {
  if (rng.one_in(6)) return std::nullopt;
  if (rng.one_in(6)) return Bytes();
  Bytes bytes(rng.one_in(20) ? rng.below(20'000) : rng.below(40));
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.next());
  return bytes;
}

Timestamp any_timestamp(Rng& rng) {
  switch (rng.below(5)) {
    case 0:
      return Timestamp(-1);
    case 1:
      return Timestamp(-static_cast<std::int64_t>(rng.below(1ULL << 40)));
    case 2:
      return Timestamp(0);
    case 3:
      return Timestamp(std::numeric_limits<std::int64_t>::max() / 4);
    default:
      return Timestamp(static_cast<std::int64_t>(rng.below(1ULL << 41)));
  }
}

}  // namespace

std::vector<record::Record> any_records(Rng& rng, std::size_t count) {
  std::vector<record::Record> records(count);
  for (record::Record& record : records) {
    record.key = any_bytes(rng);
    record.value = any_bytes(rng);
    record.timestamp = any_timestamp(rng);
    for (std::uint64_t left = rng.one_in(3) ? rng.below(4) : 0; left > 0; --left) {
      const Bytes key = any_bytes(rng).value_or(Bytes());
      record.headers.push_back({.key = std::string(as_text(key)), .value = any_bytes(rng)});
    }
  }
  return records;
}

record::Record text_record(const std::string& value, Timestamp timestamp) {
  return {.key = std::nullopt, .value = bytes_of(value), .timestamp = timestamp, .headers = {}};
}

void MemoryLog::create(const std::string& topic, std::int32_t partitions) {
  topics_[topic] = Topic{.id = ids_.uuid(), .partitions = std::vector<Partition>(partitions)};
}

Offset MemoryLog::append_batch(Partition& partition, Bytes bytes) {
  const Offset base = partition.end;
  record::assign_position(bytes, base, Term(static_cast<std::int32_t>(base.value() / 10)));
  const auto batch = record::BatchView::parse(bytes);
  PENSTOCK_ASSERT(batch.has_value(), "a built batch parses");
  partition.end = batch->end_offset();
  partition.batches.push_back({.base = base, .end = partition.end, .bytes = std::move(bytes)});
  return base;
}

Offset MemoryLog::append(const std::string& topic, std::int32_t partition,
                         const std::vector<record::Record>& records, record::Codec codec) {
  record::BatchBuilder builder({.codec = codec});
  for (const record::Record& record : records) builder.append(record);
  auto built = builder.build();
  PENSTOCK_ASSERT(built.has_value(), "records fit into a batch");
  return append_batch(topics_.at(topic).partitions.at(partition), *std::move(built));
}

Offset MemoryLog::append(const std::string& topic, const std::string& value) {
  return append(topic, 0, {text_record(value)});
}

void MemoryLog::append_control(const std::string& topic, std::int32_t partition) {
  record::BatchBuilder builder({.control = true});
  builder.append(text_record("marker"));
  auto built = builder.build();
  PENSTOCK_ASSERT(built.has_value(), "a record fits into a batch");
  append_batch(topics_.at(topic).partitions.at(partition), *std::move(built));
}

void MemoryLog::remove_before(const std::string& topic, std::int32_t partition, Offset before) {
  topics_.at(topic).partitions.at(partition).log_start = before;
}

void MemoryLog::break_partition(const std::string& topic, std::int32_t partition,
                                std::optional<Error> error) {
  topics_.at(topic).partitions.at(partition).broken = std::move(error);
}

void MemoryLog::truncate(const std::string& topic, std::int32_t partition, Offset offset) {
  Partition& log = topics_.at(topic).partitions.at(partition);
  std::erase_if(log.batches, [&](const Batch& batch) { return batch.end > offset; });
  log.end = offset;
}

Offset MemoryLog::end(const std::string& topic, std::int32_t partition) const {
  return topics_.at(topic).partitions.at(partition).end;
}

Result<std::vector<SourceTopic>> MemoryLog::topics(const std::vector<std::string>& names) {
  if (away) return std::unexpected(*away);
  for (const std::string& name : names) {
    if (!topics_.contains(name)) return fail(Errc::kUnknownTopic, name);
  }
  std::vector<SourceTopic> found;
  for (const auto& [name, topic] : topics_) {
    if (!names.empty() && std::ranges::find(names, name) == names.end()) continue;
    SourceTopic described{.name = name, .id = topic.id, .internal = false, .partitions = {}};
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      described.partitions.push_back({.partition = PartitionId(static_cast<std::int32_t>(i)),
                                      .log_start = topic.partitions[i].log_start,
                                      .high_watermark = topic.partitions[i].end,
                                      .error = topic.partitions[i].broken});
    }
    found.push_back(std::move(described));
  }
  return found;
}

Status MemoryLog::assign(const std::vector<SourcePosition>& positions) {
  if (away) return std::unexpected(*away);
  reading_.clear();
  for (const SourcePosition& position : positions) {
    reading_[{position.topic, position.partition.value()}] = {.next = position.next};
  }
  return {};
}

Result<std::vector<SourceBatches>> MemoryLog::poll(std::chrono::milliseconds) {
  if (away) return std::unexpected(*away);
  std::vector<SourceBatches> delivered;
  for (auto& [key, reading] : reading_) {
    if (reading.failed) continue;
    PENSTOCK_TRY_ASSIGN(auto one, read(key.first, key.second, reading));
    if (one) delivered.push_back(*std::move(one));
  }
  return delivered;
}

Result<std::optional<SourceBatches>> MemoryLog::read(const std::string& topic, std::int32_t number,
                                                     Reading& reading) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) {
    reading.failed = true;
    return fail(Errc::kUnknownTopic, topic);
  }
  const Partition& partition = found->second.partitions.at(number);
  if (partition.broken) {
    reading.failed = true;
    return std::unexpected(*partition.broken);
  }
  if (reading.next < partition.log_start || reading.next > partition.end) {
    reading.failed = true;
    return fail(Errc::kOffsetOutOfRange, topic);
  }
  Bytes bytes;
  std::size_t left = batches_per_poll;
  for (const Batch& batch : partition.batches) {
    if (batch.end <= reading.next || left == 0) continue;
    bytes.insert(bytes.end(), batch.bytes.begin(), batch.bytes.end());
    reading.next = batch.end;
    --left;
  }
  if (bytes.empty()) return std::nullopt;
  return SourceBatches{.topic = topic,
                       .partition = PartitionId(number),
                       .batches = SharedBytes(std::move(bytes)),
                       .next = reading.next};
}

}  // namespace penstock::archiver
