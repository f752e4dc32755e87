// The bytes of the journal of votes.
//
// Invariants: a record counts only with its checksum, which begins with the journal's header, so
// that a record of another journal never passes; everything below the watermark was flushed.
// Format: header in the first sector, two watermark slots in sectors of their own, records from
// kVoteRecordsBegin on, zeros behind them up to the capacity; little-endian. The file has its
// capacity from the beginning: recording a vote never meets a full disk.
// docs/storage_format.md, "Votes". Failure: decoding never trusts; kCorrupt and kForeignData say
// why.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/raft/types.h"

namespace penstock::broker {

inline constexpr std::size_t kVoteHeaderBytes = 64;
inline constexpr std::size_t kVoteSlotBytes = 32;
inline constexpr std::size_t kVoteSlotCount = 2;
inline constexpr std::size_t kVoteRecordBytes = 40;
inline constexpr std::size_t kVoteSectorBytes = 512;
inline constexpr std::size_t kVoteRecordsBegin = 4096;
inline constexpr std::uint32_t kVoteJournalVersion = 1;

struct VoteHeader {
  Uuid owner;
  std::uint64_t capacity = 0;    // size of the file
  std::uint64_t generation = 0;  // counts rewrites
};
using VoteHeaderBytes = std::array<std::byte, kVoteHeaderBytes>;
VoteHeaderBytes encode(const VoteHeader& header);

// Where the journal is known to be on disk; the valid slot with the higher sequence counts.
struct VoteWatermark {
  std::uint64_t sequence = 0;
  std::uint64_t flushed = kVoteRecordsBegin;  // position behind the last flushed record
  std::size_t position() const { return kVoteSectorBytes * (1 + sequence % kVoteSlotCount); }
};
using VoteSlotBytes = std::array<std::byte, kVoteSlotBytes>;
VoteSlotBytes encode(const VoteWatermark& watermark, const VoteHeaderBytes& header);

// None: the group's replica is gone for good.
using VoteRecord = std::pair<TopicPartition, std::optional<raft::HardState>>;
void append_record(Bytes& out, const VoteRecord& record, const VoteHeaderBytes& header);
std::optional<VoteRecord> decode_vote_record(ByteView bytes, const VoteHeaderBytes& header);

using Votes = std::map<TopicPartition, raft::HardState>;

// A whole new journal that holds `votes`, and where its records end.
struct VoteImage {
  Bytes bytes;  // without the zeros behind the records
  VoteHeader header;
  VoteWatermark watermark;
};
VoteImage make_vote_image(const Votes& votes, Uuid owner, std::uint64_t generation);

// What a journal says. A torn tail is left out; kCorrupt: something is wrong below the watermark,
// or with header, slots or size; kForeignData: another owner's, or of an unknown version.
struct VoteContents {
  Votes votes;
  VoteHeader header;
  VoteWatermark watermark;
  std::uint64_t end = 0;  // position behind the last record that counts
};
Result<VoteContents> decode_vote_journal(ByteView file, Uuid owner);

}  // namespace penstock::broker
