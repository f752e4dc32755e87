#include "broker/group/explain.h"

#include <algorithm>
#include <set>
#include <string>
#include <tuple>

namespace penstock::group {
namespace {

// A member is called slow when half of what it may take has passed.
constexpr std::int64_t kSlowPart = 2;
// The same for an application without a limit.
constexpr std::int64_t kSlowPollMs = 30'000;

class Explanation {
 public:
  explicit Explanation(const ExplainFrom& from) : from_(from), group_(from.group) {}

  std::vector<Reason> run() {
    if (group_.members.empty()) reasons_.push_back({.cause = Cause::kNoMembers});
    look_at_topics();
    for (const auto& [member, facts] : group_.members) look_at_member(member, facts);
    for (const auto& [member, share] : group_.target.shares) look_at_share(member, share);
    for (const auto& [member, session] : from_.sessions) look_at_session(member, session);
    look_at_positions();
    std::ranges::sort(reasons_, {}, [](const Reason& one) {
      return std::tie(one.cause, one.topic, one.member, one.partition);
    });
    return std::move(reasons_);
  }

 private:
  bool is_present(const Uuid& member) const { return group_.holdings.contains(member); }

  void look_at_topics() {
    std::set<std::string> wanted;
    for (const auto& [member, facts] : group_.members) {
      const auto& topics = facts.profile.subscription.topics;
      wanted.insert(topics.begin(), topics.end());
    }
    std::map<Uuid, std::int64_t> dealt;
    for (const auto& [member, share] : group_.target.shares) {
      for (const TopicPartition& one : share) ++dealt[one.topic];
    }
    for (const std::string& topic : wanted) {
      const auto shape = from_.topics.find(topic);
      if (!shape) {
        reasons_.push_back({.cause = Cause::kNoSuchTopic, .topic = topic});
      } else if (const std::int64_t left = shape->partitions - dealt[shape->id]; left > 0) {
        reasons_.push_back({.cause = Cause::kNotDealt, .topic = topic, .amount = left});
      }
    }
  }

  void look_at_member(const Uuid& member, const MemberFacts& facts) {
    const PartitionSet& share = group_.share_of(member);
    if (facts.presence == Presence::kPresent && share.empty()) {
      reasons_.push_back({.cause = Cause::kIdleMember, .member = member});
    }
    if (facts.presence == Presence::kAway && !share.empty()) {
      const auto session = from_.sessions.find(member);
      const std::int64_t left =
          session == from_.sessions.end()
              ? facts.profile.session_timeout_ms
              : session->second.heard_ms + session->second.session_timeout_ms - from_.now_ms;
      reasons_.push_back(
          {.cause = Cause::kAway, .member = member, .amount = std::max<std::int64_t>(left, 0)});
    }
  }

  std::optional<Uuid> holder_of(const TopicPartition& partition, const Uuid& except) const {
    for (const auto& [member, holding] : group_.holdings) {
      if (member != except &&
          (contains(holding.owned, partition) || contains(holding.revoking, partition))) {
        return member;
      }
    }
    return std::nullopt;
  }

  void look_at_share(const Uuid& member, const PartitionSet& share) {
    const auto holding = group_.holdings.find(member);
    if (holding == group_.holdings.end()) return;  // away
    for (const TopicPartition& one : without(share, holding->second.owned)) {
      const std::optional<Uuid> holder = holder_of(one, member);
      if (!holder) {
        reasons_.push_back({.cause = Cause::kNotFetched, .member = member, .partition = one});
        continue;
      }
      const auto session = from_.sessions.find(*holder);
      const bool is_told =
          session != from_.sessions.end() && session->second.revoking_since_ms.has_value();
      reasons_.push_back(
          {.cause = Cause::kHeldBack,
           .member = member,
           .other = holder,
           .partition = one,
           .amount = is_told ? from_.now_ms - *session->second.revoking_since_ms : 0});
    }
  }

  void look_at_session(const Uuid& member, const GroupSessions::Session& session) {
    if (!is_present(member)) return;
    const std::int64_t silent = from_.now_ms - session.heard_ms;
    if (silent * kSlowPart >= session.session_timeout_ms) {
      reasons_.push_back({.cause = Cause::kSilent, .member = member, .amount = silent});
    }
    const std::int64_t working = from_.now_ms - session.polled_ms;
    const std::int64_t slow =
        session.poll_interval_ms == 0
            ? kSlowPollMs
            : std::min<std::int64_t>(session.poll_interval_ms / kSlowPart, kSlowPollMs);
    if (working >= slow) {
      reasons_.push_back({.cause = Cause::kProcessing, .member = member, .amount = working});
    }
  }

  void look_at_positions() {
    bool all_is_read = !group_.positions.empty() && !group_.holdings.empty();
    for (const auto& [member, holding] : group_.holdings) {
      for (const TopicPartition& one : holding.owned) {
        const auto position = group_.positions.find(one);
        const auto end = from_.log_ends.find(one);
        if (position == group_.positions.end()) {
          // An empty log needs no position.
          if (end != from_.log_ends.end() && end->second == Offset(0)) continue;
          all_is_read = false;
          reasons_.push_back({.cause = Cause::kNeverCommitted, .member = member, .partition = one});
          continue;
        }
        if (end == from_.log_ends.end()) {
          all_is_read = false;
          continue;
        }
        const std::int64_t lag = end->second - position->second.offset;
        if (lag <= 0) continue;
        all_is_read = false;
        reasons_.push_back(
            {.cause = Cause::kBehind, .member = member, .partition = one, .amount = lag});
      }
    }
    const bool all_is_owned = std::ranges::none_of(reasons_, [](const Reason& one) {
      return one.cause == Cause::kNotDealt || one.cause == Cause::kAway ||
             one.cause == Cause::kHeldBack || one.cause == Cause::kNotFetched;
    });
    if (all_is_read && all_is_owned) reasons_.push_back({.cause = Cause::kAtEnd});
  }

  const ExplainFrom& from_;
  const Group& group_;
  std::vector<Reason> reasons_;
};

}  // namespace

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::kNoMembers:
      return "no-members";
    case Cause::kNoSuchTopic:
      return "no-such-topic";
    case Cause::kNotDealt:
      return "not-dealt";
    case Cause::kIdleMember:
      return "idle-member";
    case Cause::kAway:
      return "away";
    case Cause::kHeldBack:
      return "held-back";
    case Cause::kNotFetched:
      return "not-fetched";
    case Cause::kSilent:
      return "silent";
    case Cause::kProcessing:
      return "processing";
    case Cause::kNeverCommitted:
      return "never-committed";
    case Cause::kBehind:
      return "behind";
    case Cause::kAtEnd:
      return "at-end";
  }
  return "unknown";
}

std::vector<Reason> explain(const ExplainFrom& from) { return Explanation(from).run(); }

}  // namespace penstock::group
