// The bytes of the journal of votes: what every later release must read.
#include <gtest/gtest.h>

#include "broker/host/vote_journal.h"
#include "tests/storage/documented.h"

namespace penstock::broker {
namespace {

const Uuid kOwner = *Uuid::parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
const TopicPartition kGroup{*Uuid::parse("000102030405060708090a0b0c0d0e0f"), PartitionId(3)};
const VoteHeader kHeader{kOwner, 65536, 5};

TEST(VoteJournalGolden, HeaderWatermarkAndRecordsAreAsDocumented) {
  const VoteHeaderBytes header = encode(kHeader);
  EXPECT_TRUE(equal(header, documented("votes-header"))) << hex_lines(header);

  const VoteSlotBytes slot = encode(VoteWatermark{9, 4176}, header);
  EXPECT_TRUE(equal(slot, documented("votes-watermark"))) << hex_lines(slot);

  Bytes record;
  append_record(record, {kGroup, raft::HardState{Term(7), raft::NodeId(2)}}, header);
  append_record(record, {kGroup, std::nullopt}, header);
  EXPECT_TRUE(equal(record, documented("votes-records"))) << hex_lines(record);
}

TEST(VoteJournalGolden, WhatIsDocumentedIsRead) {
  Bytes file(65536);
  const auto place = [&](std::size_t at, const Bytes& bytes) {
    std::ranges::copy(bytes, file.begin() + static_cast<std::ptrdiff_t>(at));
  };
  place(0, documented("votes-header"));
  place(1024, documented("votes-watermark"));
  place(4096, documented("votes-records"));
  const auto whole = decode_vote_journal(file, kOwner);
  ASSERT_TRUE(whole) << whole.error().to_string();
  EXPECT_EQ(whole->end, 4176U);
  EXPECT_TRUE(whole->votes.empty()) << "the second record forgets the group";

  const auto first = decode_vote_record(ByteView(file).subspan(4096), encode(kHeader));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->second, (raft::HardState{Term(7), raft::NodeId(2)}));
}

TEST(VoteJournalGolden, ARecordOfAnotherJournalIsNone) {
  VoteHeader other = kHeader;
  other.generation += 1;
  EXPECT_FALSE(decode_vote_record(documented("votes-records"), encode(other)));
}

}  // namespace
}  // namespace penstock::broker
