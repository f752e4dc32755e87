// Group records as text.
#include <string>

#include "broker/group/group_record.h"

namespace penstock::group {
namespace {

std::string text(const PositionKey& key) {
  return "position group=" + key.group + " topic=" + key.partition.topic.to_string() +
         " partition=" + std::to_string(key.partition.partition.value());
}
std::string text(const GroupKey& key) { return "group group=" + key.group; }
std::string text(const MemberKey& key) {
  return "member group=" + key.group + " member=" + key.member.to_string();
}
std::string text(const TargetKey& key) { return "target group=" + key.group; }
std::string text(const HoldingKey& key) {
  return "holding group=" + key.group + " member=" + key.member.to_string();
}

std::string text(const Position& value) {
  return "offset=" + std::to_string(value.offset.value()) +
         " leader_epoch=" + std::to_string(value.leader_epoch.value()) +
         " text_bytes=" + std::to_string(value.text.size()) +
         " committed_at=" + std::to_string(value.committed_at.ms());
}
std::string text(const GroupFacts& value) {
  return "epoch=" + std::to_string(value.epoch.value()) +
         " assignor=" + std::string(to_string(value.assignor)) +
         " created_at=" + std::to_string(value.created_at.ms()) +
         " topics_at=" + std::to_string(value.topics_at.value());
}
std::string text(const MemberFacts& value) {
  const MemberProfile& profile = value.profile;
  std::string topics;
  for (const std::string& one : profile.subscription.topics) {
    topics += (topics.empty() ? "" : ",") + one;
  }
  return "joined=" + std::to_string(value.joined.value()) +
         (value.presence == Presence::kAway ? " away" : "") + " instance=" + profile.instance +
         " client=" + profile.client + " host=" + profile.host + " rack=" + profile.rack +
         " session_timeout_ms=" + std::to_string(profile.session_timeout_ms) +
         " poll_interval_ms=" + std::to_string(profile.poll_interval_ms) +
         " pattern=" + profile.subscription.pattern + " topics=" + topics;
}
std::string text(const Target& value) {
  std::string all = "epoch=" + std::to_string(value.epoch.value());
  for (const auto& [member, share] : value.shares) {
    all += " " + member.to_string() + "={" + to_string(share) + "}";
  }
  return all;
}
std::string text(const Holding& value) {
  return "epoch=" + std::to_string(value.epoch.value()) + " owned={" + to_string(value.owned) +
         "} revoking={" + to_string(value.revoking) + "}";
}

}  // namespace

std::string_view to_string(Assignor assignor) {
  switch (assignor) {
    case Assignor::kBalancedSticky:
      return "balanced-sticky";
    case Assignor::kRange:
      return "range";
    case Assignor::kRackAware:
      return "rack-aware";
  }
  return "unknown";
}

std::string to_string(const PartitionSet& partitions) {
  std::string all;
  const TopicPartition* last = nullptr;
  for (const TopicPartition& one : partitions) {
    if (last != nullptr && last->topic == one.topic) {
      all += ",";
    } else {
      all += (last == nullptr ? "" : " ") + one.topic.to_string() + "/";
    }
    all += std::to_string(one.partition.value());
    last = &one;
  }
  return all;
}

std::string to_string(const GroupRecord& record) {
  return std::visit(
      [](const auto& one) {
        return text(one.key) + " " + (one.value ? text(*one.value) : std::string("removed"));
      },
      record);
}

}  // namespace penstock::group
