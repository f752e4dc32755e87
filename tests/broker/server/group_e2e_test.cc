// Stories of consumer groups at a whole broker, told in messages of the protocol.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <utility>

#include "protocol/wire/groups.pb.h"
#include "protocol/wire/uuid_bytes.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using wire::Api;
using wire::v1::AlterTopicRequest;
using wire::v1::AlterTopicResponse;
using wire::v1::CommitOffsetsRequest;
using wire::v1::CommitOffsetsResponse;
using wire::v1::DeleteGroupRequest;
using wire::v1::DeleteGroupResponse;
using wire::v1::DescribeGroupRequest;
using wire::v1::DescribeGroupResponse;
using wire::v1::FetchOffsetsRequest;
using wire::v1::FetchOffsetsResponse;
using wire::v1::FindCoordinatorRequest;
using wire::v1::FindCoordinatorResponse;
using wire::v1::GroupHeartbeatRequest;
using wire::v1::GroupHeartbeatResponse;
using wire::v1::GroupPosition;
using wire::v1::GroupTopic;
using wire::v1::LeaveGroupRequest;
using wire::v1::LeaveGroupResponse;
using wire::v1::ListGroupsRequest;
using wire::v1::ListGroupsResponse;
using wire::v1::ResetOffsetsRequest;
using wire::v1::ResetOffsetsResponse;
using wire::v1::Topic;

constexpr auto kGroup = "billing";

std::string member_id(int n) {
  Uuid id;
  id.bytes[15] = std::byte(n);
  return wire::to_wire(id);
}

std::vector<int> numbers(const google::protobuf::RepeatedPtrField<GroupTopic>& topics) {
  std::vector<int> all;
  for (const GroupTopic& topic : topics) {
    all.insert(all.end(), topic.partitions().begin(), topic.partitions().end());
  }
  return all;
}

// A member as the protocol wants it, that lets go of things at once.
class WireMember {
 public:
  WireMember(TestClient& client, int id, std::string topic) : client_(client), id_(id) {
    profile_.add_topics(std::move(topic));
  }

  Errc beat() {
    GroupHeartbeatRequest request = profile_;
    request.set_group(kGroup);
    request.set_member_id(member_id(id_));
    request.set_member_epoch(epoch);
    *request.mutable_owned() = owned;
    request.set_session_timeout_ms(session_timeout_ms);
    auto answer = client_.call<GroupHeartbeatResponse>(Api::kGroupHeartbeat, request);
    if (!answer) {
      text = answer.error().message();
      if (answer.error().code() == Errc::kUnknownMember) {
        epoch = 0;
        owned.Clear();
      }
      return answer.error().code();
    }
    epoch = answer->message.member_epoch();
    owned = answer->message.owned();
    return Errc::kOk;
  }
  Errc commit(const std::string& topic_id, int partition, std::int64_t offset,
              const std::string& note = "") {
    CommitOffsetsRequest request;
    request.set_group(kGroup);
    request.set_member_id(member_id(id_));
    request.set_member_epoch(epoch);
    auto& position = *request.add_positions();
    position.set_topic_id(topic_id);
    position.set_partition(partition);
    position.set_offset(offset);
    position.set_leader_epoch(1);
    position.set_text(note);
    const auto done = client_.call<CommitOffsetsResponse>(Api::kCommitOffsets, request);
    return done ? Errc::kOk : done.error().code();
  }
  GroupHeartbeatRequest& profile() { return profile_; }

  std::int64_t epoch = 0;
  google::protobuf::RepeatedPtrField<GroupTopic> owned;
  std::uint32_t session_timeout_ms = 60'000;
  std::string text;

 private:
  TestClient& client_;
  const int id_;
  GroupHeartbeatRequest profile_;
};

class Groups : public testing::Test {
 protected:
  Groups() { start(); }

  void start() {
    broker_ = start_broker(test_config(scratch_ / "data"));
    client_ = std::make_unique<TestClient>(broker_->port());
  }
  void restart() {
    client_.reset();
    ASSERT_TRUE(broker_->stop());
    broker_.reset();
    start();
  }
  Result<FindCoordinatorResponse> find(bool create) {
    FindCoordinatorRequest request;
    request.set_group(kGroup);
    request.set_create(create);
    auto answer = client_->call<FindCoordinatorResponse>(Api::kFindCoordinator, request);
    if (!answer) return fail(answer.error());
    return std::move(answer->message);
  }
  std::string topic(const std::string& name, std::uint32_t partitions) {
    return *client_->create(name, partitions);
  }
  WireMember member(int id, const std::string& topic = "orders") {
    return WireMember(*client_, id, topic);
  }
  std::vector<GroupPosition> positions() {
    FetchOffsetsRequest request;
    request.set_group(kGroup);
    request.set_all(true);
    auto answer = client_->call<FetchOffsetsResponse>(Api::kFetchOffsets, request);
    if (!answer) {
      ADD_FAILURE() << answer.error().to_string();
      return {};
    }
    return {answer->message.positions().begin(), answer->message.positions().end()};
  }
  Result<DescribeGroupResponse> describe(bool explain = false) {
    DescribeGroupRequest request;
    request.set_group(kGroup);
    request.set_explain(explain);
    auto answer = client_->call<DescribeGroupResponse>(Api::kDescribeGroup, request);
    if (!answer) return fail(answer.error());
    return std::move(answer->message);
  }
  static void until(const std::string& what, const std::function<bool()>& holds) {
    ASSERT_TRUE(holds_at_last(holds)) << what;
  }

  ScratchDir scratch_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(Groups, TheTopicOfGroupsComesWithTheFirstGroupAndBelongsToTheBrokers) {
  ASSERT_FALSE(find(false));
  EXPECT_EQ(find(false).error().code(), Errc::kUnknownGroup);
  const auto found = find(true);
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->coordinator(), 1);
  EXPECT_EQ(find(false)->partition(), found->partition()) << "for ever in the same place";

  const Topic topic = client_->describe("__consumer_offsets");
  EXPECT_TRUE(topic.internal());
  EXPECT_GT(topic.partitions_size(), 1);
  const auto produced = client_->produce(topic.topic_id(), 0, batch_of({"forged"}));
  ASSERT_FALSE(produced);
  EXPECT_EQ(produced.error().code(), Errc::kInvalidArgument);
  const auto removed = client_->remove("__consumer_offsets");
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(client_->create("__consumer_offsets").error().code(), Errc::kInvalidArgument);
}

TEST_F(Groups, MembersShareATopicAndHandPartitionsOver) {
  topic("orders", 4);
  ASSERT_TRUE(find(true));
  WireMember a = member(1);
  WireMember b = member(2);
  ASSERT_EQ(a.beat(), Errc::kOk) << a.text;
  EXPECT_THAT(numbers(a.owned), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(a.owned[0].name(), "orders");
  ASSERT_EQ(b.beat(), Errc::kOk);
  EXPECT_THAT(numbers(b.owned), IsEmpty()) << "first they are let go";
  ASSERT_EQ(a.beat(), Errc::kOk);  // told
  ASSERT_EQ(a.beat(), Errc::kOk);  // done
  ASSERT_EQ(b.beat(), Errc::kOk);
  EXPECT_EQ(numbers(a.owned).size(), 2U);
  EXPECT_EQ(numbers(b.owned).size(), 2U);

  LeaveGroupRequest leave;
  leave.set_group(kGroup);
  leave.set_member_id(member_id(1));
  leave.set_member_epoch(a.epoch);
  ASSERT_TRUE(client_->call<LeaveGroupResponse>(Api::kLeaveGroup, leave));
  ASSERT_EQ(b.beat(), Errc::kOk);
  EXPECT_THAT(numbers(b.owned), ElementsAre(0, 1, 2, 3));
}

TEST_F(Groups, ACommitIsFencedAndOutlivesTheBroker) {
  const std::string orders = topic("orders", 2);
  ASSERT_TRUE(find(true));
  WireMember a = member(1);
  WireMember stranger = member(2);
  stranger.epoch = 1;
  ASSERT_EQ(a.beat(), Errc::kOk);
  EXPECT_EQ(a.commit(orders, 1, 17, "half a day"), Errc::kOk);
  EXPECT_EQ(stranger.commit(orders, 0, 5), Errc::kUnknownMember);
  const std::int64_t epoch = std::exchange(a.epoch, a.epoch - 1);
  EXPECT_EQ(a.commit(orders, 0, 5), Errc::kUnknownMember) << "before it joined";
  a.epoch = epoch;

  restart();
  ASSERT_EQ(positions().size(), 1U);
  EXPECT_EQ(positions()[0].offset(), 17);
  EXPECT_EQ(positions()[0].text(), "half a day");
  EXPECT_EQ(positions()[0].topic(), "orders");
  WireMember again = member(1);
  again.epoch = a.epoch;
  again.owned = a.owned;
  EXPECT_EQ(again.beat(), Errc::kOk) << "a new coordinator knows its members";
  EXPECT_EQ(again.commit(orders, 1, 18), Errc::kOk);
}

TEST_F(Groups, WhoIsSilentIsDeclaredDead) {
  topic("orders", 2);
  ASSERT_TRUE(find(true));
  WireMember silent = member(1);
  silent.session_timeout_ms = 1'000;
  WireMember lively = member(2);
  ASSERT_EQ(silent.beat(), Errc::kOk);
  until("the silent one's partitions are free", [&] {
    EXPECT_EQ(lively.beat(), Errc::kOk);
    return numbers(lively.owned).size() == 2;
  });
  EXPECT_EQ(silent.beat(), Errc::kUnknownMember);
  EXPECT_EQ(silent.beat(), Errc::kOk) << "and comes back";
}

TEST_F(Groups, ANewCoordinatorGivesTheSilentTheirTimeAndNoMore) {
  topic("orders", 1);
  ASSERT_TRUE(find(true));
  WireMember silent = member(1);
  silent.session_timeout_ms = 1'000;
  ASSERT_EQ(silent.beat(), Errc::kOk);
  restart();
  until("nobody is left", [&] {
    const auto group = describe();
    return group && group->members().empty();
  });
}

TEST_F(Groups, PatternsFollowTopicsThatComeGrowAndGo) {
  const std::string first = topic("metrics.cpu", 1);
  topic("orders", 3);
  ASSERT_TRUE(find(true));
  WireMember a = member(1);
  a.profile().clear_topics();
  a.profile().set_pattern("metrics\\..*");
  ASSERT_EQ(a.beat(), Errc::kOk) << a.text;
  EXPECT_EQ(numbers(a.owned).size(), 1U);
  ASSERT_EQ(a.commit(first, 0, 3), Errc::kOk);

  topic("metrics.disk", 2);
  until("the new topic is its own", [&] {
    EXPECT_EQ(a.beat(), Errc::kOk);
    return numbers(a.owned).size() == 3;
  });
  AlterTopicRequest grow;
  grow.set_name("metrics.disk");
  grow.set_partitions(4);
  ASSERT_TRUE(client_->call<AlterTopicResponse>(Api::kAlterTopic, grow));
  until("so are the new partitions", [&] {
    EXPECT_EQ(a.beat(), Errc::kOk);
    return numbers(a.owned).size() == 5;
  });
  ASSERT_TRUE(client_->remove("metrics.cpu"));
  until("what was deleted is gone", [&] {
    EXPECT_EQ(a.beat(), Errc::kOk);
    return numbers(a.owned).size() == 4;
  });
  until("with its positions", [&] { return positions().empty(); });

  WireMember bad = member(3);
  bad.profile().clear_topics();
  bad.profile().set_pattern("(metrics");
  EXPECT_EQ(bad.beat(), Errc::kInvalidArgument);
  EXPECT_THAT(bad.text, testing::HasSubstr("lacks a ')'"));
}

TEST_F(Groups, PositionsAreResetAndGroupsDeletedWhenNobodyIsThere) {
  const std::string orders = topic("orders", 2);
  ASSERT_TRUE(find(true));
  WireMember a = member(1);
  ASSERT_EQ(a.beat(), Errc::kOk);
  ASSERT_EQ(a.commit(orders, 0, 9), Errc::kOk);
  ResetOffsetsRequest reset;
  reset.set_group(kGroup);
  auto& change = *reset.add_changes();
  change.set_topic_id(orders);
  change.set_partition(0);
  change.set_offset(2);
  change.set_leader_epoch(-1);
  const auto refused = client_->call<ResetOffsetsResponse>(Api::kResetOffsets, reset);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Errc::kGroupNotEmpty);
  DeleteGroupRequest remove;
  remove.set_group(kGroup);
  EXPECT_EQ(client_->call<DeleteGroupResponse>(Api::kDeleteGroup, remove).error().code(),
            Errc::kGroupNotEmpty);

  LeaveGroupRequest leave;
  leave.set_group(kGroup);
  leave.set_member_id(member_id(1));
  leave.set_member_epoch(a.epoch);
  ASSERT_TRUE(client_->call<LeaveGroupResponse>(Api::kLeaveGroup, leave));
  reset.set_dry_run(true);
  auto planned = client_->call<ResetOffsetsResponse>(Api::kResetOffsets, reset);
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->message.positions(0).before(), 9);
  EXPECT_EQ(planned->message.positions(0).after(), 2);
  EXPECT_EQ(positions()[0].offset(), 9) << "a dry run";
  reset.set_dry_run(false);
  ASSERT_TRUE(client_->call<ResetOffsetsResponse>(Api::kResetOffsets, reset));
  EXPECT_EQ(positions()[0].offset(), 2);

  ASSERT_TRUE(client_->call<DeleteGroupResponse>(Api::kDeleteGroup, remove));
  EXPECT_EQ(describe().error().code(), Errc::kUnknownGroup);
  EXPECT_THAT(positions(), IsEmpty());
}

TEST_F(Groups, WhoLooksSeesGroupsMembersAndReasons) {
  const auto list = [&] {
    auto answer = client_->call<ListGroupsResponse>(Api::kListGroups, ListGroupsRequest());
    EXPECT_TRUE(answer);
    return answer ? answer->message : ListGroupsResponse();
  };
  EXPECT_EQ(list().partitions_in_all(), 0U) << "no group has ever been";
  const std::string orders = topic("orders", 2);
  ASSERT_TRUE(find(true));
  WireMember a = member(1);
  ASSERT_EQ(a.beat(), Errc::kOk);
  ASSERT_EQ(a.commit(orders, 0, 0), Errc::kOk);
  const ListGroupsResponse listed = list();
  EXPECT_EQ(static_cast<std::uint32_t>(listed.partitions_size()), listed.partitions_in_all());
  ASSERT_EQ(listed.groups_size(), 1);
  EXPECT_EQ(listed.groups(0).name(), kGroup);
  EXPECT_EQ(listed.groups(0).members(), 1U);
  EXPECT_EQ(listed.groups(0).positions(), 1U);

  const auto group = describe(/*explain=*/true);
  ASSERT_TRUE(group);
  ASSERT_EQ(group->members_size(), 1);
  EXPECT_EQ(group->members(0).member_id(), member_id(1));
  EXPECT_EQ(group->members(0).host(), "127.0.0.1");
  EXPECT_THAT(numbers(group->members(0).owned()), ElementsAre(0, 1));
  ASSERT_EQ(group->reasons_size(), 1) << group->ShortDebugString();
  EXPECT_EQ(group->reasons(0).cause(), "never-committed");
  EXPECT_EQ(group->reasons(0).partition(), 1);
  EXPECT_EQ(group->reasons(0).topic(), "orders");
}

}  // namespace
}  // namespace penstock::broker
