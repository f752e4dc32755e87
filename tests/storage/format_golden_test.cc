// The byte tables of docs/storage_format.md are what the code writes and reads.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "storage/checkpoint.h"
#include "storage/segment_index.h"
#include "tests/storage/documented.h"

namespace penstock::storage {
namespace {

LogIdentity identity() {
  LogIdentity id;
  for (std::size_t i = 0; i < 16; ++i) id.partition.topic.bytes[i] = static_cast<std::byte>(i);
  id.partition.partition = PartitionId(3);
  return id;
}

const IndexHeader kHeader{identity(), Offset(100), Timestamp(1'700'000'000'000)};
constexpr Run kRun{.base_delta = 30,
                   .end_delta = 35,
                   .position = 4096,
                   .length = 260,
                   .batch_count = 2,
                   .last_epoch = 7,
                   .header_crc = 0x11223344,
                   .max_timestamp_ms = 1'700'000'000'000,
                   .appended_ms = 1'700'000'000'005,
                   .digest = 0x0123456789abcdef};

TEST(StorageFormat, TheSideFilesHeaderIsAsDocumented) {
  const Bytes bytes = documented("index-header");
  EXPECT_TRUE(equal(bytes, encode(kHeader)));
  const auto header = decode_index_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->segment_base, Offset(100));
  EXPECT_EQ(header->created, kHeader.created);
}

TEST(StorageFormat, AnEntryIsAsDocumented) {
  const Bytes bytes = documented("index-entry");
  EXPECT_TRUE(equal(bytes, encode_entry(EntryKind::kRun, kRun, encode(kHeader))));
  const auto entry = decode_entry(bytes, encode(kHeader));
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->run, kRun);
}

TEST(StorageFormat, AnEntryOfAnotherSegmentIsNone) {
  IndexHeader other = kHeader;
  other.segment_base = Offset(101);
  EXPECT_FALSE(decode_entry(documented("index-entry"), encode(other)));
}

TEST(StorageFormat, ACheckpointSlotIsAsDocumented) {
  Checkpoint checkpoint;
  checkpoint.identity = identity();
  checkpoint.sequence = 9;
  checkpoint.log_start = Offset(40);
  checkpoint.start_term = Term(6);
  checkpoint.point = {Offset(100), kRun, Timestamp(1'700'000'000'000)};
  checkpoint.index_entries = 12;
  checkpoint.clean = true;
  const SlotBytes slot = encode(checkpoint);
  const Bytes bytes = documented("checkpoint-slot");
  ASSERT_EQ(bytes.size(), 144U);
  EXPECT_TRUE(equal(bytes, ByteView(slot).first(bytes.size())));
  const auto rest = ByteView(slot).subspan(bytes.size(), 508 - bytes.size());
  EXPECT_TRUE(std::ranges::all_of(rest, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_EQ(decode_checkpoint(slot)->point.end(), Offset(135));
  EXPECT_EQ(decode_checkpoint(slot)->start_term, Term(6));
}

}  // namespace
}  // namespace penstock::storage
