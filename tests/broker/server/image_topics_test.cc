// What groups see of the cluster's topics.
#include "broker/server/image_topics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/group/home.h"
#include "tests/broker/server/topic_images.h"

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ImageTopics, AreFoundByNameAndById) {
  const ImageTopics topics(image_of({{"orders", 2}}));
  EXPECT_EQ(topics.at(), Offset(40));
  const group::TopicShape orders{id_of(1), 2};
  EXPECT_EQ(topics.find("orders"), orders);
  EXPECT_EQ(topics.find(id_of(1)), orders);
  EXPECT_EQ(topics.find("payments"), std::nullopt);
  EXPECT_EQ(topics.find(id_of(2)), std::nullopt);
}

TEST(ImageTopics, RacksAreThoseOfReplicasThatToldThem) {
  const ImageTopics topics(image_of({{"orders", 2}}));
  EXPECT_THAT(topics.racks({id_of(1), PartitionId(1)}), ElementsAre("east"));
  EXPECT_THAT(topics.racks({id_of(1), PartitionId(2)}), IsEmpty()) << "there is no such partition";
  EXPECT_THAT(topics.racks({id_of(9), PartitionId(0)}), IsEmpty());
}

TEST(PatternMatches, AreWholeNamesAndNoneOfOurOwnTopics) {
  PatternMatches patterns;
  const ImagePtr image =
      image_of({{"orders", 2}, {"orders.eu", 2}, {std::string(group::kOffsetsTopic), 8}});
  EXPECT_THAT(*patterns.of("orders.*", image), ElementsAre("orders", "orders.eu"));
  EXPECT_THAT(*patterns.of(".*", image), ElementsAre("orders", "orders.eu"));
  EXPECT_THAT(*patterns.of("orders", image), ElementsAre("orders"));
  EXPECT_EQ(patterns.of("(orders", image).error().code(), Errc::kInvalidArgument);
}

TEST(PatternMatches, FollowTheTopics) {
  PatternMatches patterns;
  EXPECT_THAT(*patterns.of("orders.*", image_of({{"orders", 2}})), ElementsAre("orders"));
  EXPECT_THAT(*patterns.of("orders.*", image_of({{"orders", 2}, {"orders.us", 2}})),
              ElementsAre("orders", "orders.us"));
  EXPECT_THAT(*patterns.of("orders.*", image_of({{"payments", 1}})), IsEmpty());
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
