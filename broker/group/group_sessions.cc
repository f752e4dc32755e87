#include "broker/group/group_sessions.h"

#include <algorithm>
#include <utility>

namespace penstock::group {
namespace {

using Session = GroupSessions::Session;

struct Deadline {
  std::int64_t at_ms;
  ExpiryCause cause;
};

Deadline deadline_of(const Session& session) {
  Deadline first{session.heard_ms + session.session_timeout_ms, ExpiryCause::kSilent};
  if (session.presence == Presence::kAway || session.poll_interval_ms == 0) return first;
  const Deadline progress{session.polled_ms + session.poll_interval_ms, ExpiryCause::kNoProgress};
  if (progress.at_ms < first.at_ms) first = progress;
  if (session.revoking_since_ms) {
    const Deadline release{
        *session.revoking_since_ms + session.poll_interval_ms + session.session_timeout_ms,
        ExpiryCause::kHoldsOn};
    if (release.at_ms < first.at_ms) first = release;
  }
  return first;
}

// Keeps the clocks of a session that goes on.
Session follow_member(const Session* before, const MemberFacts& facts, const Holding* holding,
                      std::int64_t now_ms) {
  Session session{.joined = facts.joined,
                  .presence = facts.presence,
                  .session_timeout_ms = facts.profile.session_timeout_ms,
                  .poll_interval_ms = facts.profile.poll_interval_ms,
                  .heard_ms = now_ms,
                  .polled_ms = now_ms};
  const bool revokes = holding != nullptr && !holding->revoking.empty();
  if (revokes) session.revoking_since_ms = now_ms;
  if (before != nullptr && before->joined == facts.joined && before->presence == facts.presence) {
    session.heard_ms = before->heard_ms;
    session.polled_ms = before->polled_ms;
    if (revokes && before->revoking_since_ms) {
      session.revoking_since_ms = before->revoking_since_ms;
    }
  }
  return session;
}

}  // namespace

std::string_view to_string(ExpiryCause cause) {
  switch (cause) {
    case ExpiryCause::kSilent:
      return "silent";
    case ExpiryCause::kNoProgress:
      return "no-progress";
    case ExpiryCause::kHoldsOn:
      return "holds-on";
  }
  return "unknown";
}

void GroupSessions::begin(const GroupState& state, std::int64_t now_ms) {
  sessions_.clear();
  for (const auto& [name, group] : state.groups()) follow(name, &group, now_ms);
}

void GroupSessions::follow(std::string_view name, const Group* group, std::int64_t now_ms) {
  const auto entry = sessions_.find(name);
  if (group == nullptr || group->members.empty()) {
    if (entry != sessions_.end()) sessions_.erase(entry);
    return;
  }
  OfGroup next;
  for (const auto& [member, facts] : group->members) {
    const Session* before = nullptr;
    if (entry != sessions_.end()) {
      const auto found = entry->second.find(member);
      if (found != entry->second.end()) before = &found->second;
    }
    const auto holding = group->holdings.find(member);
    next[member] = follow_member(
        before, facts, holding == group->holdings.end() ? nullptr : &holding->second, now_ms);
  }
  sessions_.insert_or_assign(std::string(name), std::move(next));
}

void GroupSessions::heard(std::string_view group, const Uuid& member, std::int64_t since_poll_ms,
                          std::int64_t now_ms) {
  const auto entry = sessions_.find(group);
  if (entry == sessions_.end()) return;
  const auto found = entry->second.find(member);
  if (found == entry->second.end()) return;
  Session& session = found->second;
  session.heard_ms = std::max(session.heard_ms, now_ms);
  // What comes late tells of an older poll.
  session.polled_ms =
      std::max(session.polled_ms, now_ms - std::max<std::int64_t>(since_poll_ms, 0));
}

std::vector<GroupSessions::Expiry> GroupSessions::expired(std::int64_t now_ms) const {
  std::vector<Expiry> expired;
  for (const auto& [group, members] : sessions_) {
    for (const auto& [member, session] : members) {
      const Deadline deadline = deadline_of(session);
      if (deadline.at_ms <= now_ms) expired.push_back({group, member, deadline.cause});
    }
  }
  return expired;
}

std::optional<std::int64_t> GroupSessions::next_deadline_ms() const {
  std::optional<std::int64_t> next;
  for (const auto& [group, members] : sessions_) {
    for (const auto& [member, session] : members) {
      const std::int64_t at_ms = deadline_of(session).at_ms;
      next = std::min(next.value_or(at_ms), at_ms);
    }
  }
  return next;
}

const GroupSessions::OfGroup& GroupSessions::of(std::string_view group) const {
  static const OfGroup kNobody;
  const auto found = sessions_.find(group);
  return found == sessions_.end() ? kNobody : found->second;
}

}  // namespace penstock::group
