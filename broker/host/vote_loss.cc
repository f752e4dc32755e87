#include "broker/host/vote_loss.h"

#include <algorithm>

#include "broker/host/limits.h"
#include "broker/host/replica_state.h"
#include "storage/segment_name.h"

namespace penstock::broker {
namespace {

// Data directory, topics (or trash), topic, partition: with room.
constexpr int kDeepestFolder = 6;

bool has_others(const raft::Membership& members) { return members.everyone().size() > 1; }

bool has_others(const ReplicaState& state) {
  return has_others(state.base) || (state.reset && has_others(state.reset->membership)) ||
         std::ranges::any_of(state.placed, [](const raft::PlacedMembership& placed) {
           return has_others(placed.membership);
         });
}

Result<bool> may_have_voted(Env& env, const std::string& side_file) {
  const auto bytes = env.read_file(side_file, kMaxReplicaStateBytes);
  if (!bytes && bytes.error().code() != Errc::kCorrupt) return std::unexpected(bytes.error());
  if (!bytes) return true;
  const auto state = decode_replica_state(*bytes);
  return !state || has_others(*state);
}

Status check_folder(Env& env, const std::string& dir, int depth) {
  const auto entries = env.list(dir);
  // Not ours: a folder that the file system keeps at the top of a disk.
  if (!entries && depth > 0 && entries.error().code() == Errc::kPermissionDenied) return {};
  if (!entries) return fail(entries.error());
  for (const FileInfo& entry : *entries) {
    const std::string path = dir + "/" + entry.name;
    if (entry.is_dir) {
      if (depth < kDeepestFolder) PENSTOCK_TRY(check_folder(env, path, depth + 1));
      continue;
    }
    if (entry.name != storage::kReplicaStateName) continue;
    PENSTOCK_TRY_ASSIGN(const bool voted, may_have_voted(env, path));
    if (!voted) continue;
    return fail(Errc::kCorrupt,
                "the journal of votes is missing, and " + dir +
                    " belongs to a partition that other brokers hold as well: this broker may have "
                    "forgotten a vote. Restore the file `votes`, or move the data directory away "
                    "and let the broker join anew; the others keep its records");
  }
  return {};
}

}  // namespace

Status check_nobody_voted(Env& env, const std::string& dir) { return check_folder(env, dir, 0); }

}  // namespace penstock::broker
