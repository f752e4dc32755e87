// VoteStore: (term, vote) of every group on this node, in one journal, so that an election of a
// thousand groups costs a few flushes and not a thousand.
//
// Invariants: what a completed flush took is found by the next open(); a record is there completely
// or not at all; the latest record of a group wins. When the journal fills up, a flush writes it
// anew (new file, flush, rename, flush of the folder). After the last of a series of records one
// more flush is wanted: it raises the watermark, below which a bad record is damage and no torn
// tail.
// Threads: the owner's; FlushTicket::run() on another one meanwhile. Failure: a flush that failed
// with kDiskFull left everything as it was and is wanted again later; any other one fences the
// store (kFsyncFailed for ever): the process is expected to end. A torn tail is cut: nobody was
// told. A bad record below the watermark, or a bad file header, is kCorrupt: this node may have
// forgotten a vote, and must join anew under another number. So is a journal that is missing
// although folders below `dir` hold logs that others take part in (vote_loss.h); otherwise open()
// makes one. Format: docs/storage_format.md, "Votes".
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/raft/types.h"

namespace penstock::broker {

class VoteStore {
 public:
  static Result<std::unique_ptr<VoteStore>> open(Env& env, std::string dir, Uuid owner);
  ~VoteStore();

  std::optional<raft::HardState> find(const TopicPartition& group) const;

  // Queues a record; durable after the next flush that begins later. kInvalidArgument: a lower
  // term, or another vote in the same one.
  Status put(const TopicPartition& group, const raft::HardState& state);
  // The group's replica is gone from this node for good.
  Status forget(const TopicPartition& group);

  class FlushTicket {
   public:
    Status run() const;  // blocking: write and fdatasync

   private:
    friend class VoteStore;
    std::shared_ptr<const struct VoteFlushWork> work_;
  };
  bool needs_flush() const;  // never while one is under way
  // Takes all that was put so far.
  FlushTicket begin_flush();
  void complete_flush(const FlushTicket& ticket, const Status& status);

  std::size_t groups() const;

 private:
  struct State;
  explicit VoteStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::broker
