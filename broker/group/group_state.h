// GroupState: the state machine of consumer groups: commands are decided on the present state,
// records change it.
//
// A command handler is const: it returns the records that would carry the command out, and its
// answer. The host makes the records durable, then applies them, and only then releases the answer.
// Invariants: apply() is the only mutator besides skip_to(). A record replaces what its key said
// before and has no other effect, so a log in which superseded records are missing gives the same
// state. After the records of each decision no partition is in two holdings of a group, and each
// member that is present has a holding.
// Threads: one at a time.
// Failure: a command that cannot be carried out is an error for its sender; kNotReady when its view
// of topics is older than one that was decided with before. apply() never fails.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/group/group.h"
#include "broker/group/group_commands.h"
#include "broker/group/group_record.h"

namespace penstock::group {

template <typename Answer>
struct GroupDecision {
  std::vector<GroupRecord> records;  // made durable together or not at all; may be empty
  Answer answer;
};

class GroupState {
 public:
  using Groups = std::map<std::string, Group, std::less<>>;

  Result<GroupDecision<Assignment>> handle(const JoinOrHeartbeat& command) const;
  Result<GroupDecision<Epoch>> handle(const Leave& command) const;
  Result<GroupDecision<std::vector<Uuid>>> handle(const ExpireMembers& command) const;
  Result<GroupDecision<Progress>> handle(const TopicsChanged& command) const;
  Result<GroupDecision<Committed>> handle(const CommitOffsets& command) const;
  Result<GroupDecision<std::vector<FetchedPosition>>> handle(const FetchOffsets& command) const;
  Result<GroupDecision<std::vector<ResetPosition>>> handle(const ResetOffsets& command) const;
  Result<GroupDecision<Progress>> handle(const DeleteGroup& command) const;

  Status apply(Offset offset, const GroupRecord& record);
  // The log went on without a record for this state.
  void skip_to(Offset next);
  Offset applied() const { return applied_; }

  // Format: docs/group_records.md, "Snapshot". The same state gives the same bytes anywhere.
  Bytes snapshot() const;
  // kCorrupt: not exactly what snapshot() wrote; kUnsupportedVersion: a newer release wrote it.
  static Result<GroupState> restore(ByteView snapshot);

  const Groups& groups() const { return groups_; }
  const Group* find(std::string_view name) const;  // null: there is none

 private:
  void apply_one(const PositionRecord& record);
  void apply_one(const GroupFactsRecord& record);
  void apply_one(const MemberRecord& record);
  void apply_one(const TargetRecord& record);
  void apply_one(const HoldingRecord& record);
  template <typename Change>
  void change_group(const std::string& name, Change change);

  // Of what is decided now: larger than any before, 0 excluded.
  Epoch next_epoch() const { return applied_ + 1; }
  // An empty one for a group that there is not; kUnknownGroup.
  const Group& present_or_new(std::string_view name) const;
  Result<const Group*> existing(std::string_view name) const;

  Result<GroupDecision<Assignment>> join(const JoinOrHeartbeat& command, const Group& group) const;
  Status check_room(const JoinOrHeartbeat& command, const Group& group) const;
  Status check_room(const CommitOffsets& command, const Group& group) const;

  Groups groups_;
  std::size_t member_count_ = 0;
  std::size_t position_count_ = 0;
  Offset applied_;
};

}  // namespace penstock::group
