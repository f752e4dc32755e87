// GroupScene: a group state with its log, topics that can be made and changed, and short words for
// commands, so that tests read as stories.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/group/group_sessions.h"
#include "broker/group/group_state.h"

namespace penstock::group {

inline Uuid id_of(int n) {
  Uuid id;
  id.bytes[0] = std::byte(n >> 8);
  id.bytes[15] = std::byte(n & 255);
  return id;
}

class ListedTopics final : public TopicView {
 public:
  Offset at() const override { return at_; }
  std::optional<TopicShape> find(std::string_view name) const override {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) return std::nullopt;
    return found->second;
  }
  std::optional<TopicShape> find(const Uuid& id) const override {
    for (const auto& [name, shape] : by_name_) {
      if (shape.id == id) return shape;
    }
    return std::nullopt;
  }
  std::vector<std::string> racks(const TopicPartition& partition) const override {
    const auto found = racks_.find(partition);
    return found == racks_.end() ? std::vector<std::string>() : found->second;
  }

  void put(const std::string& name, TopicShape shape) {
    by_name_[name] = shape;
    at_ = at_ + 1;
  }
  void remove(const std::string& name) {
    by_name_.erase(name);
    at_ = at_ + 1;
  }
  void set_racks(const TopicPartition& partition, std::vector<std::string> racks) {
    racks_[partition] = std::move(racks);
    at_ = at_ + 1;
  }
  const std::map<std::string, TopicShape, std::less<>>& all() const { return by_name_; }

 private:
  Offset at_{1};
  std::map<std::string, TopicShape, std::less<>> by_name_;
  std::map<TopicPartition, std::vector<std::string>> racks_;
};

class GroupScene {
 public:
  static constexpr auto kGroup = "etl";

  TopicViewPtr topics() const { return std::make_shared<ListedTopics>(topics_); }
  Timestamp now() const { return Timestamp(1'000 + now_ms); }
  const Group& group() const { return state.groups().at(kGroup); }

  // Topic "t<number>" with that id.
  void topic(int number, std::uint32_t partitions) {
    topics_.put("t" + std::to_string(number), {id_of(number), partitions});
  }

  // Decides, and applies what was decided.
  template <typename Command>
  auto carry_out(const Command& command) {
    auto decision = state.handle(command);
    if (decision) apply(decision->records);
    return decision;
  }
  void apply(const std::vector<GroupRecord>& records) {
    for (const GroupRecord& record : records) {
      const KeyedBytes bytes = encode(record);
      const auto decoded = decode_group_record(
          bytes.key, bytes.value ? std::optional<ByteView>(*bytes.value) : std::nullopt);
      ASSERT_TRUE(decoded) << to_string(record);
      ASSERT_EQ(*decoded, record);
      ASSERT_TRUE(state.apply(state.applied(), *decoded));
      log.push_back(record);
    }
  }

  MemberProfile profile(std::vector<int> wanted) const {
    MemberProfile profile{.instance = "",
                          .client = "test",
                          .host = "h",
                          .rack = "",
                          .subscription = {},
                          .session_timeout_ms = 10'000,
                          .poll_interval_ms = 60'000};
    for (const int one : wanted) profile.subscription.topics.insert("t" + std::to_string(one));
    return profile;
  }

  GroupState state;
  ListedTopics topics_;
  std::vector<GroupRecord> log;
  std::int64_t now_ms = 0;
};

// A member as the contract of JoinOrHeartbeat wants it: takes what it is given, lets go at once
// unless it is slow.
class TestMember {
 public:
  TestMember(GroupScene& scene, int id, MemberProfile profile)
      : id_(id_of(id)), profile(std::move(profile)), scene_(&scene) {}

  JoinOrHeartbeat heartbeat() const {
    return {.group = GroupScene::kGroup,
            .member = id_,
            .member_epoch = epoch,
            .owned = uses,
            .profile = profile,
            .assignor = assignor,
            .topics = scene_->topics(),
            .now = scene_->now()};
  }
  // Sends a heartbeat and does as the answer says; how many records that took.
  std::size_t beat() {
    const auto decision = scene_->carry_out(heartbeat());
    if (!decision) {
      error = decision.error().code();
      if (error == Errc::kUnknownMember) {
        epoch = Epoch(0);
        uses.clear();
      }
      return 0;
    }
    error = Errc::kOk;
    take(decision->answer);
    return decision->records.size();
  }
  void take(const Assignment& answer) {
    last = answer;
    if (answer.member_epoch < epoch) return;
    epoch = answer.member_epoch;
    owned = answer.owned;
    uses = slow ? together(uses, owned) : owned;
  }
  void let_go() { uses = common(uses, owned); }

  auto commit(std::vector<std::pair<TopicPartition, int>> positions, std::string text = "") {
    CommitOffsets command{.group = GroupScene::kGroup,
                          .member = MemberCredential{id_, epoch},
                          .positions = {},
                          .topics = scene_->topics(),
                          .now = scene_->now()};
    for (const auto& [partition, offset] : positions) {
      command.positions.push_back({partition, Offset(offset), Term(1), text});
    }
    return scene_->carry_out(command);
  }
  auto leave(Departure departure = Departure::kMayReturn) {
    auto decision = scene_->carry_out(
        Leave{GroupScene::kGroup, {id_, epoch}, departure, scene_->topics(), scene_->now()});
    epoch = Epoch(0);
    uses.clear();
    owned.clear();
    return decision;
  }
  const Uuid& id() const { return id_; }

 private:
  Uuid id_;

 public:
  MemberProfile profile;
  std::optional<Assignor> assignor;
  Epoch epoch{0};
  PartitionSet owned;  // by the last answer
  PartitionSet uses;   // what it has not let go
  Assignment last;
  Errc error = Errc::kOk;
  bool slow = false;  // holds on to what it should let go

 private:
  GroupScene* scene_;
};

// {1, 0, 1}: partitions 0 and 1 of topic 1.
inline PartitionSet of_topic(int topic, std::vector<int> partitions) {
  PartitionSet set;
  for (const int one : partitions) set.push_back({id_of(topic), PartitionId(one)});
  return set;
}
inline TopicPartition part(int topic, int partition) {
  return {id_of(topic), PartitionId(partition)};
}

}  // namespace penstock::group
