// Names of brokers and partitions, and the ports that local brokers keep.
#include "tools/cluster_operands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/local_ports.h"

namespace penstock::tools {
namespace {

using testing::ElementsAre;

TEST(ClusterOperandsTest, BrokersAreNumbers) {
  EXPECT_EQ(*parse_broker("12"), 12);
  for (const char* wrong : {"", "x", "1x", "-1", "1.5"}) {
    EXPECT_EQ(parse_broker(wrong).error().code(), Errc::kInvalidArgument) << wrong;
  }
  EXPECT_THAT(*parse_brokers("3,1,2"), ElementsAre(3, 1, 2));
  EXPECT_THAT(*parse_brokers("3"), ElementsAre(3));
  for (const char* wrong : {"", "1,", ",1", "1,,2", "1,2,1", "1 2"}) {
    EXPECT_EQ(parse_brokers(wrong).error().code(), Errc::kInvalidArgument) << wrong;
  }
}

TEST(ClusterOperandsTest, PartitionsAreTopicAndNumber) {
  EXPECT_EQ(*parse_partition("orders/3"), std::pair(std::string("orders"), PartitionId(3)));
  for (const char* wrong : {"", "orders", "orders/", "/3", "orders/x", "orders/-1"}) {
    EXPECT_EQ(parse_partition(wrong).error().code(), Errc::kInvalidArgument) << wrong;
  }
}

TEST(LocalPortsTest, AreReadAsTheyWereWritten) {
  const std::vector<LocalPorts> ports = {{7333, 7334}, {7335, 7336}};
  EXPECT_EQ(encode_ports(ports), "7333 7334\n7335 7336\n");
  EXPECT_EQ(*decode_ports(encode_ports(ports)), ports);
  EXPECT_TRUE(decode_ports("")->empty());
}

TEST(LocalPortsTest, AnythingElseIsDamage) {
  for (const char* wrong : {"7333", "7333 \n", "7333 7334", "0 7334\n", "7333 99999\n", "a b\n"}) {
    EXPECT_EQ(decode_ports(wrong).error().code(), Errc::kCorrupt) << wrong;
  }
}

}  // namespace
}  // namespace penstock::tools
