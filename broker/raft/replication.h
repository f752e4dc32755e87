// The leader's side of the log: heartbeats, appends to each member at its own pace, commitment.
//
// - Heartbeats never wait behind appends: they are empty, and begin at a point that the member is
//   known to hold, so that they always fit; only towards a member whose logs' agreement is not
//   known (or in doubt: a lost append) they begin at the point in question and are a probe.
// - Committed is what a durable majority holds, and only once that includes a record of the present
//   term (Raft 5.4.2). The leader counts itself by its own disk like anybody else.
// - A leader that hears no majority, whose disk stalls or whose own control entry cannot be
//   appended for an election timeout steps down.
#pragma once

#include "broker/raft/core.h"

namespace penstock::raft {

void become_leader(Core& core);
void leader_tick(Core& core);
std::int64_t leader_deadline_ms(const Core& core);

// The leader's log grew by `range`.
Status leader_appended(Core& core, const EntryRange& range);
// What somebody holds durably moved: commits what a majority has.
void advance_commit(Core& core);

void broadcast_heartbeat(Core& core);
// Sends or reads for `to` what its mode and window allow.
void serve(Core& core, NodeId to);
void serve_everyone(Core& core);
// Peers are whoever the latest membership names.
void follow_membership(Core& core);
// Asks the shell to append a control batch at the end.
void request_control(Core& core, std::optional<Membership> membership);

void send_range(Core& core, const ReadForPeer& read, const EntryRange& range);
void install_failed(Core& core, NodeId to);
void handle(Core& core, NodeId from, const AppendReply& reply);
void handle(Core& core, NodeId from, const InstallReply& reply);

}  // namespace penstock::raft
