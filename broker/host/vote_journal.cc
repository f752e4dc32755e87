#include "broker/host/vote_journal.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "broker/host/limits.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

constexpr std::string_view kMagic = "PSTKVOT1";
constexpr std::uint32_t kStateKind = 1;
constexpr std::uint32_t kForgottenKind = 2;

namespace header_at {
constexpr std::size_t kVersion = 8;
constexpr std::size_t kOwner = 16;
constexpr std::size_t kCapacity = 32;
constexpr std::size_t kGeneration = 40;
constexpr std::size_t kCrc = 60;
}  // namespace header_at

namespace slot_at {
constexpr std::size_t kSequence = 0;
constexpr std::size_t kFlushed = 8;
constexpr std::size_t kCrc = 28;
}  // namespace slot_at

namespace record_at {
constexpr std::size_t kKind = 0;
constexpr std::size_t kPartition = 4;
constexpr std::size_t kTopic = 8;
constexpr std::size_t kTerm = 24;
constexpr std::size_t kVotedFor = 28;
constexpr std::size_t kCrc = 36;
}  // namespace record_at

std::uint32_t bound_crc(ByteView bytes, const VoteHeaderBytes& header) {
  return record::crc32c(bytes, record::crc32c(ByteView(header).first(header_at::kCrc)));
}

std::unexpected<Error> corrupt(const std::string& why) {
  return fail(Errc::kCorrupt, "journal of votes: " + why);
}

Result<VoteHeader> decode_header(ByteView file, Uuid owner) {
  if (file.size() < kVoteRecordsBegin) return corrupt("the file is too short");
  const std::byte* const from = file.data();
  if (!equal(file.first(kMagic.size()), as_bytes(kMagic)) ||
      load_le<std::uint32_t>(from + header_at::kCrc) !=
          record::crc32c(file.first(header_at::kCrc))) {
    return corrupt("the header is damaged");
  }
  const auto version = load_le<std::uint32_t>(from + header_at::kVersion);
  if (version != kVoteJournalVersion) {
    return fail(Errc::kForeignData, "journal of votes: version " + std::to_string(version));
  }
  VoteHeader header;
  std::ranges::copy(file.subspan(header_at::kOwner, header.owner.bytes.size()),
                    header.owner.bytes.begin());
  header.capacity = load_le<std::uint64_t>(from + header_at::kCapacity);
  header.generation = load_le<std::uint64_t>(from + header_at::kGeneration);
  if (header.owner != owner) {
    return fail(Errc::kForeignData, "journal of votes: it belongs to " + header.owner.to_string() +
                                        ", not to " + owner.to_string());
  }
  if (header.capacity != file.size()) return corrupt("the file does not have its size");
  return header;
}

std::optional<VoteWatermark> decode_slot(ByteView file, std::size_t slot,
                                         const VoteHeaderBytes& header) {
  const std::size_t position = kVoteSectorBytes * (1 + slot);
  const ByteView bytes = file.subspan(position, kVoteSlotBytes);
  if (load_le<std::uint32_t>(bytes.data() + slot_at::kCrc) !=
      bound_crc(bytes.first(slot_at::kCrc), header)) {
    return std::nullopt;
  }
  const VoteWatermark watermark{load_le<std::uint64_t>(bytes.data() + slot_at::kSequence),
                                load_le<std::uint64_t>(bytes.data() + slot_at::kFlushed)};
  const bool sensible = watermark.position() == position &&
                        watermark.flushed >= kVoteRecordsBegin && watermark.flushed <= file.size();
  return sensible ? std::optional(watermark) : std::nullopt;
}

Result<VoteWatermark> newest_watermark(ByteView file, const VoteHeaderBytes& header) {
  std::optional<VoteWatermark> newest;
  for (std::size_t slot = 0; slot < kVoteSlotCount; ++slot) {
    const auto found = decode_slot(file, slot, header);
    if (found && (!newest || found->sequence > newest->sequence)) newest = found;
  }
  if (!newest) return corrupt("both watermarks are damaged");
  return *newest;
}

}  // namespace

VoteHeaderBytes encode(const VoteHeader& header) {
  VoteHeaderBytes bytes{};
  std::ranges::copy(as_bytes(kMagic), bytes.begin());
  store_le(bytes.data() + header_at::kVersion, kVoteJournalVersion);
  std::ranges::copy(header.owner.bytes, bytes.begin() + header_at::kOwner);
  store_le(bytes.data() + header_at::kCapacity, header.capacity);
  store_le(bytes.data() + header_at::kGeneration, header.generation);
  store_le(bytes.data() + header_at::kCrc, record::crc32c(ByteView(bytes).first(header_at::kCrc)));
  return bytes;
}

VoteSlotBytes encode(const VoteWatermark& watermark, const VoteHeaderBytes& header) {
  VoteSlotBytes bytes{};
  store_le(bytes.data() + slot_at::kSequence, watermark.sequence);
  store_le(bytes.data() + slot_at::kFlushed, watermark.flushed);
  store_le(bytes.data() + slot_at::kCrc, bound_crc(ByteView(bytes).first(slot_at::kCrc), header));
  return bytes;
}

void append_record(Bytes& out, const VoteRecord& record, const VoteHeaderBytes& header) {
  std::array<std::byte, kVoteRecordBytes> bytes{};
  const auto& [group, state] = record;
  store_le(bytes.data() + record_at::kKind, state ? kStateKind : kForgottenKind);
  store_le(bytes.data() + record_at::kPartition, group.partition.value());
  std::ranges::copy(group.topic.bytes, bytes.begin() + record_at::kTopic);
  if (state) {
    store_le(bytes.data() + record_at::kTerm, state->term.value());
    store_le(bytes.data() + record_at::kVotedFor, state->voted_for.value());
  }
  store_le(bytes.data() + record_at::kCrc,
           bound_crc(ByteView(bytes).first(record_at::kCrc), header));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::optional<VoteRecord> decode_vote_record(ByteView bytes, const VoteHeaderBytes& header) {
  if (bytes.size() < kVoteRecordBytes) return std::nullopt;
  const std::byte* const from = bytes.data();
  const auto kind = load_le<std::uint32_t>(from + record_at::kKind);
  if ((kind != kStateKind && kind != kForgottenKind) ||
      load_le<std::uint32_t>(from + record_at::kCrc) !=
          bound_crc(bytes.first(record_at::kCrc), header)) {
    return std::nullopt;
  }
  VoteRecord record;
  std::ranges::copy(bytes.subspan(record_at::kTopic, record.first.topic.bytes.size()),
                    record.first.topic.bytes.begin());
  record.first.partition = PartitionId(load_le<std::int32_t>(from + record_at::kPartition));
  if (kind == kStateKind) {
    record.second =
        raft::HardState{Term(load_le<std::int32_t>(from + record_at::kTerm)),
                        raft::NodeId(load_le<std::int32_t>(from + record_at::kVotedFor))};
  }
  return record;
}

VoteImage make_vote_image(const Votes& votes, Uuid owner, std::uint64_t generation) {
  VoteImage image;
  const std::uint64_t wanted =
      kVoteRecordsBegin + votes.size() * kVoteRecordBytes * kVoteRecordsPerGroup;
  constexpr std::uint64_t kUnit = 4096;
  const std::uint64_t capacity = (wanted + kUnit - 1) / kUnit * kUnit;
  image.header = {owner, std::max<std::uint64_t>(capacity, kMinVoteJournalBytes), generation};
  const VoteHeaderBytes header = encode(image.header);
  image.bytes.resize(kVoteRecordsBegin);
  for (const auto& [group, state] : votes) append_record(image.bytes, {group, state}, header);
  std::ranges::copy(header, image.bytes.begin());
  for (std::uint64_t sequence = 0; sequence < kVoteSlotCount; ++sequence) {
    image.watermark = {sequence, image.bytes.size()};
    std::ranges::copy(
        encode(image.watermark, header),
        image.bytes.begin() + static_cast<std::ptrdiff_t>(image.watermark.position()));
  }
  return image;
}

Result<VoteContents> decode_vote_journal(ByteView file, Uuid owner) {
  VoteContents contents;
  PENSTOCK_TRY_ASSIGN(contents.header, decode_header(file, owner));
  const VoteHeaderBytes header = encode(contents.header);
  PENSTOCK_TRY_ASSIGN(contents.watermark, newest_watermark(file, header));
  contents.end = kVoteRecordsBegin;
  while (const auto record = decode_vote_record(file.subspan(contents.end), header)) {
    if (record->second) {
      contents.votes[record->first] = *record->second;
    } else {
      contents.votes.erase(record->first);
    }
    contents.end += kVoteRecordBytes;
  }
  if (contents.end < contents.watermark.flushed) {
    return corrupt("a record at position " + std::to_string(contents.end) +
                   " is damaged, below the watermark " +
                   std::to_string(contents.watermark.flushed));
  }
  return contents;
}

}  // namespace penstock::broker
