// What one node saw committed, every node sees committed, for ever: the same batch under the same
// term at the same offset. (State-machine safety and log matching, over what counts.)
//
// What is read again later, from any replica, is still that, or refused by a damaged one.
// Whenever a node's commit point moves, the batches up to it are read as a consumer would read
// them, checksum and all, and compared with the record that the first node's view founded. The
// leader of a term must hold all that was committed in earlier ones (leader completeness); one that
// learns late that it was elected may lack what its successors did. Each batch that a client sent,
// however often it sent it, stands there at most once, in the order of the client's numbers and
// with none of them left out; none that nobody sent or that was refused, and every acknowledged one
// where the client was told. A log begins at the beginning of a batch.
#pragma once

#include <map>
#include <set>

#include "tests/sim/invariants/invariant.h"

namespace penstock::sim {

class CommittedLog final : public Invariant {
 public:
  using Invariant::Invariant;
  std::string_view name() const override { return "committed-log"; }

  void started(const ReplicaView& view, bool intact) override;
  void stepped(const ReplicaView& view) override;
  void requested(GroupNumber group, BatchName batch) override;
  void served(const ReplicaView& view, Offset from,
              const Result<storage::ReadResult>& read) override;
  void acknowledged(GroupNumber group, BatchName batch, Offset at) override;
  void refused(GroupNumber group, BatchName batch) override;
  void trashed(raft::NodeId node, GroupNumber group, Gone why) override;
  void ended() override;

 private:
  struct Batch {
    Offset end;
    Term term;
    std::uint32_t crc = 0;
    BatchName name;
    friend bool operator==(const Batch&, const Batch&) = default;
  };
  struct Record {
    std::map<Offset, Batch> batches;  // by base offset
    Offset end;
    std::map<Offset, Term> committed_in;  // from that offset on; ascending
    std::map<BatchName, Offset> places;
    std::map<std::int64_t, BatchName> next;  // of each client in its epoch
    std::map<BatchName, Offset> unseen;      // acknowledged before anybody could be seen to hold it
    std::set<BatchName> requested;
    std::set<BatchName> refused;
    bool is_deleted = false;
  };
  void check_start(const ReplicaView& view);
  void compare(const ReplicaView& view);
  void compare_batch(const ReplicaView& view, Record& record, Offset base, const Batch& batch);
  void check_numbers(const ReplicaView& view, Record& record, Offset base, const Batch& batch);
  void check_new_leader(const ReplicaView& view);
  void check_place(GroupNumber group, BatchName batch, Offset told, Offset found);

  std::map<GroupNumber, Record> records_;
  std::map<std::pair<raft::NodeId, GroupNumber>, Offset> compared_;
  std::map<std::pair<raft::NodeId, GroupNumber>, Offset> starts_;
};

}  // namespace penstock::sim
