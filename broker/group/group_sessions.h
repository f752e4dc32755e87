// GroupSessions: what the coordinator knows about members and the log does not: when each was last
// heard, when its application last asked for records, since when it is to let go of something.
//
// Two clocks: a member is dead when it was silent for its session timeout; it makes no progress
// when its application has not asked for records for the poll interval, which heartbeats tell.
// Whoever is to let go of a partition has both together, for it may learn of that only when it asks
// next. A static member that is away has the first clock alone. Invariants: after follow() there is
// a session for each member of the group, and for nobody else. A new coordinator gives everybody a
// fresh one. Units: milliseconds of one steady clock. Threads: one at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "broker/group/group_state.h"

namespace penstock::group {

enum class ExpiryCause : std::uint8_t {
  kSilent,      // not heard for its session timeout
  kNoProgress,  // heard, but its application asked for nothing for its poll interval
  kHoldsOn,     // asked, and did not let go of what it should
};
std::string_view to_string(ExpiryCause cause);

class GroupSessions {
 public:
  struct Session {
    Epoch joined;
    Presence presence = Presence::kPresent;
    std::int32_t session_timeout_ms = 0;
    std::int32_t poll_interval_ms = 0;  // 0: no limit
    std::int64_t heard_ms = 0;
    std::int64_t polled_ms = 0;
    std::optional<std::int64_t> revoking_since_ms = std::nullopt;
  };
  using OfGroup = std::map<Uuid, Session>;
  struct Expiry {
    std::string group;
    Uuid member;
    ExpiryCause cause;
    friend bool operator==(const Expiry&, const Expiry&) = default;
  };

  // This broker coordinates from now on.
  void begin(const GroupState& state, std::int64_t now_ms);
  // It does so no longer.
  void end() { sessions_.clear(); }
  // The group may have changed; null: it is gone. Who is new, came again or went away gets a fresh
  // session.
  void follow(std::string_view name, const Group* group, std::int64_t now_ms);
  // A member that is known sent a heartbeat, whose application asked for records that long ago.
  void heard(std::string_view group, const Uuid& member, std::int64_t since_poll_ms,
             std::int64_t now_ms);

  // Whose time is up, until follow() sees that they are gone.
  std::vector<Expiry> expired(std::int64_t now_ms) const;
  // When the next one's time is up; none without sessions.
  std::optional<std::int64_t> next_deadline_ms() const;
  const OfGroup& of(std::string_view group) const;

 private:
  std::map<std::string, OfGroup, std::less<>> sessions_;
};

}  // namespace penstock::group
