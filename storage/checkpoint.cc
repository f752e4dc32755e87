#include "storage/checkpoint.h"

#include <algorithm>

#include "base/coding.h"
#include "protocol/record/crc32c.h"
#include "storage/segment_index.h"

namespace penstock::storage {
namespace {

constexpr std::string_view kMagic = "PSTKCKP1";
constexpr std::uint32_t kCleanFlag = 1;
constexpr std::uint32_t kCutFlag = 2;

namespace at {
constexpr std::size_t kVersion = 8;
constexpr std::size_t kFlags = 12;
constexpr std::size_t kSequence = 16;
constexpr std::size_t kTopic = 24;
constexpr std::size_t kPartition = 40;
constexpr std::size_t kIndexEntries = 44;
constexpr std::size_t kLogStart = 48;
constexpr std::size_t kSegmentBase = 56;
constexpr std::size_t kEnd = 64;
constexpr std::size_t kPosition = 72;
constexpr std::size_t kSegmentCreated = 80;
constexpr std::size_t kOpenRun = 88;
constexpr std::size_t kStartTerm = 140;
constexpr std::size_t kCompaction = 144;
constexpr std::size_t kCrc = kSlotBytes - sizeof(std::uint32_t);
}  // namespace at
static_assert(at::kOpenRun + kRunBytes == at::kStartTerm);
static_assert(at::kStartTerm + sizeof(std::uint32_t) == at::kCompaction);
static_assert(at::kCompaction + kCompactionStateBytes <= at::kCrc);

bool is_intact(ByteView slot) {
  return slot.size() >= kSlotBytes && equal(slot.first(kMagic.size()), as_bytes(kMagic)) &&
         load_le<std::uint32_t>(slot.data() + at::kCrc) == record::crc32c(slot.first(at::kCrc));
}

std::uint32_t version_of(ByteView slot) {
  return load_le<std::uint32_t>(slot.data() + at::kVersion);
}

}  // namespace

SlotBytes encode(const Checkpoint& checkpoint) {
  SlotBytes slot{};
  std::byte* const to = slot.data();
  std::ranges::copy(as_bytes(kMagic), slot.begin());
  store_le(to + at::kVersion, kCheckpointVersion);
  store_le(to + at::kFlags, (checkpoint.clean ? kCleanFlag : 0) | (checkpoint.cut ? kCutFlag : 0));
  store_le(to + at::kSequence, checkpoint.sequence);
  std::ranges::copy(checkpoint.identity.partition.topic.bytes, slot.begin() + at::kTopic);
  store_le(to + at::kPartition, checkpoint.identity.partition.partition.value());
  store_le(to + at::kIndexEntries, checkpoint.index_entries);
  store_le(to + at::kLogStart, checkpoint.log_start.value());
  store_le(to + at::kSegmentBase, checkpoint.point.segment_base.value());
  store_le(to + at::kEnd, checkpoint.point.end().value());
  store_le(to + at::kPosition, checkpoint.point.position());
  store_le(to + at::kSegmentCreated, checkpoint.point.segment_created.ms());
  encode_run(checkpoint.point.open, to + at::kOpenRun);
  // One more than the term: zero, as in slots that know none, says -1.
  store_le(to + at::kStartTerm, static_cast<std::uint32_t>(checkpoint.start_term.value()) + 1);
  encode_compaction(checkpoint.compaction, to + at::kCompaction);
  store_le(to + at::kCrc, record::crc32c(ByteView(slot).first(at::kCrc)));
  return slot;
}

bool is_other_version(ByteView slot) {
  return is_intact(slot) && version_of(slot) != kCheckpointVersion;
}

std::optional<Checkpoint> decode_checkpoint(ByteView slot) {
  if (!is_intact(slot) || version_of(slot) != kCheckpointVersion) return std::nullopt;
  slot = slot.first(kSlotBytes);
  const std::byte* const from = slot.data();
  const auto flags = load_le<std::uint32_t>(from + at::kFlags);
  Checkpoint checkpoint;
  checkpoint.clean = (flags & kCleanFlag) != 0;
  checkpoint.cut = (flags & kCutFlag) != 0;
  checkpoint.sequence = load_le<std::uint64_t>(from + at::kSequence);
  std::ranges::copy(slot.subspan(at::kTopic, 16),
                    checkpoint.identity.partition.topic.bytes.begin());
  checkpoint.identity.partition.partition =
      PartitionId(load_le<std::int32_t>(from + at::kPartition));
  checkpoint.index_entries = load_le<std::uint32_t>(from + at::kIndexEntries);
  checkpoint.log_start = Offset(load_le<std::int64_t>(from + at::kLogStart));
  checkpoint.point.segment_base = Offset(load_le<std::int64_t>(from + at::kSegmentBase));
  checkpoint.point.segment_created = Timestamp(load_le<std::int64_t>(from + at::kSegmentCreated));
  checkpoint.point.open = decode_run(from + at::kOpenRun);
  const auto term_and_one = load_le<std::uint32_t>(from + at::kStartTerm);
  checkpoint.start_term = Term(static_cast<std::int32_t>(term_and_one - 1));
  checkpoint.compaction = decode_compaction(from + at::kCompaction);
  if (checkpoint.compaction.clean_end > checkpoint.point.end()) checkpoint.compaction = {};
  if (checkpoint.point.end().value() != load_le<std::int64_t>(from + at::kEnd) ||
      checkpoint.point.position() != load_le<std::uint64_t>(from + at::kPosition) ||
      checkpoint.log_start > checkpoint.point.end() || checkpoint.log_start.value() < 0 ||
      checkpoint.point.segment_base.value() < 0 || checkpoint.start_term.value() < -1) {
    return std::nullopt;
  }
  return checkpoint;
}

std::optional<NewestSlot> newest_slot(ByteView file) {
  std::optional<NewestSlot> newest;
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    if (file.size() < slot * kSlotStride + kSlotBytes) break;
    auto checkpoint = decode_checkpoint(file.subspan(slot * kSlotStride, kSlotBytes));
    if (!checkpoint) continue;
    if (!newest || checkpoint->sequence > newest->checkpoint.sequence) {
      newest = NewestSlot{*checkpoint, slot};
    }
  }
  return newest;
}

}  // namespace penstock::storage
