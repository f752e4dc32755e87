// What groups see of the cluster's topics.
#include "broker/server/image_topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/group/home.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Uuid id_of(int n) {
  Uuid id;
  id.bytes[15] = std::byte(n);
  return id;
}

// Topics "<name>" of two partitions each on brokers 1 and 2, in racks "east" and none.
ImagePtr image_of(std::vector<std::string> names) {
  auto brokers = std::make_shared<ClusterImage::Brokers>();
  for (const int id : {1, 2}) {
    BrokerImage& broker = (*brokers)[raft::NodeId(id)];
    broker.id = raft::NodeId(id);
    broker.rack = id == 1 ? "east" : "";
  }
  auto topics = std::make_shared<ClusterImage::Topics>();
  auto by_id = std::make_shared<ClusterImage::TopicsById>();
  int n = 0;
  for (const std::string& name : names) {
    auto topic = std::make_shared<TopicImage>();
    topic->id = id_of(++n);
    topic->name = name;
    topic->partitions = 2;
    auto placed = std::make_shared<PartitionImage>();
    placed->replicas = {{raft::NodeId(1), Offset(0)}, {raft::NodeId(2), Offset(0)}};
    topic->placement = {placed, placed};
    topics->emplace(name, topic);
    by_id->emplace(topic->id, topic);
  }
  ClusterImage::Parts parts;
  parts.brokers = brokers;
  parts.topics = topics;
  parts.topics_by_id = by_id;
  return std::make_shared<const ClusterImage>(std::move(parts), Offset(40), Term(1));
}

TEST(ImageTopics, AreFoundByNameAndById) {
  const ImageTopics topics(image_of({"orders"}));
  EXPECT_EQ(topics.at(), Offset(40));
  const group::TopicShape orders{id_of(1), 2};
  EXPECT_EQ(topics.find("orders"), orders);
  EXPECT_EQ(topics.find(id_of(1)), orders);
  EXPECT_EQ(topics.find("payments"), std::nullopt);
  EXPECT_EQ(topics.find(id_of(2)), std::nullopt);
}

TEST(ImageTopics, RacksAreThoseOfReplicasThatToldThem) {
  const ImageTopics topics(image_of({"orders"}));
  EXPECT_THAT(topics.racks({id_of(1), PartitionId(1)}), ElementsAre("east"));
  EXPECT_THAT(topics.racks({id_of(1), PartitionId(2)}), IsEmpty()) << "there is no such partition";
  EXPECT_THAT(topics.racks({id_of(9), PartitionId(0)}), IsEmpty());
}

TEST(PatternMatches, AreWholeNamesAndNoneOfOurOwnTopics) {
  PatternMatches patterns;
  const ImagePtr image = image_of({"orders", "orders.eu", std::string(group::kOffsetsTopic)});
  EXPECT_THAT(*patterns.of("orders.*", image), ElementsAre("orders", "orders.eu"));
  EXPECT_THAT(*patterns.of(".*", image), ElementsAre("orders", "orders.eu"));
  EXPECT_THAT(*patterns.of("orders", image), ElementsAre("orders"));
  EXPECT_EQ(patterns.of("(orders", image).error().code(), Errc::kInvalidArgument);
}

TEST(PatternMatches, FollowTheTopics) {
  PatternMatches patterns;
  EXPECT_THAT(*patterns.of("orders.*", image_of({"orders"})), ElementsAre("orders"));
  EXPECT_THAT(*patterns.of("orders.*", image_of({"orders", "orders.us"})),
              ElementsAre("orders", "orders.us"));
  EXPECT_THAT(*patterns.of("orders.*", image_of({"payments"})), IsEmpty());
}

TEST(HomeOfAGroup, IsTheSameForEver) {
  EXPECT_EQ(group::home_of("billing", 8), group::home_of("billing", 8));
  EXPECT_EQ(group::home_of("billing", 1), PartitionId(0));
  // Groups are spread, and a release that hashes otherwise would lose them.
  std::vector<int> homes;
  for (const std::string name : {"billing", "etl", "audit", "board", "alarms"}) {
    homes.push_back(group::home_of(name, 8).value());
  }
  EXPECT_THAT(homes, ElementsAre(2, 0, 4, 5, 1));
}

}  // namespace
}  // namespace penstock::broker
