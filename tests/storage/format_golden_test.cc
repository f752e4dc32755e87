// The byte tables of docs/storage_format.md are what the code writes and reads.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "protocol/record/sparse_batch.h"
#include "storage/checkpoint.h"
#include "storage/cleaner.h"
#include "storage/segment_index.h"
#include "tests/storage/documented.h"
#include "tests/storage/keyed_batches.h"

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

// --- key compaction

TEST(StorageFormat, ABatchThatLostARecordIsAsDocumented) {
  const Bytes original =
      keyed_batch(Offset(200), Term(7), {put("a", "1"), put("b", "2"), put("c", "3")});
  KeyMap latest(1024, 10, 0);
  latest.put(as_bytes("b"), Offset(300));
  const CleanRules rules{latest, Offset(301), Offset(0), {}, Offset(0)};
  Bytes out;
  Cleaner cleaner(rules, [&](const record::BatchView& batch) -> Status {
    out.assign(batch.bytes().begin(), batch.bytes().end());
    return {};
  });
  ASSERT_TRUE(cleaner.add(*record::BatchView::parse(original)));
  EXPECT_EQ(out, documented("sparse-batch")) << hex_lines(out);
}

TEST(StorageFormat, ABatchOfOffsetsAloneIsAsDocumented) {
  const Bytes out = record::bare_batch(Offset(200), Offset(264), Term(7));
  EXPECT_EQ(out, documented("bare-batch")) << hex_lines(out);
  EXPECT_TRUE(record::is_bare(*record::BatchView::parse(out)));
}

TEST(StorageFormat, WhatIsKnownOfCompactionIsAsDocumented) {
  CompactionState state;
  state.completed(Offset(100), Timestamp(1'700'000'000'000));
  state.completed(Offset(120), Timestamp(1'700'000'600'000));
  state.rewritten_end = Offset(130);
  Bytes bytes(kCompactionStateBytes);
  encode_compaction(state, bytes.data());
  const Bytes expected = documented("compaction-state");
  EXPECT_TRUE(equal(expected, ByteView(bytes).first(expected.size()))) << hex_lines(bytes);
  EXPECT_EQ(decode_compaction(bytes.data()), state);
  Checkpoint checkpoint;
  checkpoint.point = {Offset(100), kRun, Timestamp(1'700'000'000'000)};
  checkpoint.compaction = state;
  const SlotBytes slot = encode(checkpoint);
  EXPECT_TRUE(equal(expected, ByteView(slot).subspan(144, expected.size())));
  EXPECT_EQ(decode_checkpoint(slot)->compaction, state);
}

TEST(StorageFormat, ACleanEndBehindTheLogsEndIsNotBelieved) {
  Checkpoint checkpoint;
  checkpoint.point = {Offset(100), kRun, Timestamp(1'700'000'000'000)};
  checkpoint.compaction.completed(Offset(136), Timestamp(1'700'000'000'000));
  EXPECT_TRUE(decode_checkpoint(encode(checkpoint))->compaction.empty());
}

}  // namespace
}  // namespace penstock::storage
