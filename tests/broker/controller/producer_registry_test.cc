// Names of producers, their numbers and epochs: what the conversations do not reach.
#include "broker/controller/producer_registry.h"

#include <gtest/gtest.h>

#include <limits>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

constexpr auto kLargestId = std::numeric_limits<std::int64_t>::max();

Uuid process(int number) {
  Uuid id;
  id.bytes[15] = std::byte(number);
  return id;
}

RegisterProducer as(std::string name, int instance = 1) {
  return {.name = std::move(name), .instance = process(instance), .now = Timestamp(5)};
}

Errc error_of(const auto& result) { return result ? Errc::kOk : result.error().code(); }

ProducerRegistry with(std::string name, record::ProducerIdentity identity, std::int64_t next_id) {
  ProducerRegistry::Named named;
  named[std::move(name)] = {identity, process(1), Timestamp(1)};
  auto registry = ProducerRegistry::restore(std::move(named), next_id);
  EXPECT_TRUE(registry);
  return *std::move(registry);
}

TEST(ProducerRegistry, BehindTheLastEpochComesANewNumber) {
  ProducerRegistry registry = with("ann", {7, record::kMaxProducerEpoch}, 20);
  const auto next = registry.decide(as("ann", 2));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->identity, (record::ProducerIdentity{20, 0}));
  EXPECT_EQ(registry.apply(*next->record), std::nullopt);
  EXPECT_EQ(registry.next_id(), 21);
  const auto after = registry.decide(as("ann", 3));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->identity, (record::ProducerIdentity{20, 1}));
}

// The process that crossed over asks again, with what it knew before.
TEST(ProducerRegistry, ALostAnswerAboutANewNumberIsGivenAgain) {
  ProducerRegistry registry = with("ann", {7, record::kMaxProducerEpoch}, 20);
  RegisterProducer renewal = as("ann", 1);
  renewal.known = {7, record::kMaxProducerEpoch};
  const auto first = registry.decide(renewal);
  ASSERT_TRUE(first && first->record);
  EXPECT_EQ(registry.apply(*first->record), std::nullopt);
  const auto again = registry.decide(renewal);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->identity, (record::ProducerIdentity{20, 0}));
  EXPECT_FALSE(again->record);
}

TEST(ProducerRegistry, ANameIsALineOfPrintableText) {
  const ProducerRegistry registry;
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string("a\n"), std::string("\0", 1),
        std::string(kMaxProducerNameBytes + 1, 'a')}) {
    EXPECT_EQ(error_of(registry.decide(as(bad))), Errc::kInvalidArgument) << bad;
  }
  for (const std::string& good : {std::string("orders/3"), std::string("h\xc3\xb6he"),
                                  std::string(kMaxProducerNameBytes, 'a')}) {
    EXPECT_TRUE(registry.decide(as(good))) << good;
  }
}

TEST(ProducerRegistry, AProcessHasAnIdentity) {
  RegisterProducer nobody = as("ann");
  nobody.instance = {};
  EXPECT_EQ(error_of(ProducerRegistry().decide(nobody)), Errc::kInvalidArgument);
}

TEST(ProducerRegistry, ThereIsALimitToNamesAndForgettingMakesRoom) {
  ProducerRegistry registry;
  for (std::size_t i = 0; i < kMaxNamedProducers; ++i) {
    ASSERT_EQ(registry.apply(*registry.decide(as("p" + std::to_string(i)))->record), std::nullopt);
  }
  EXPECT_EQ(error_of(registry.decide(as("one-more"))), Errc::kOverloaded);
  EXPECT_TRUE(registry.decide(as("p0", 2))) << "who is there may come back";
  ASSERT_EQ(registry.apply(ProducerForgotten{"p0"}), std::nullopt);
  EXPECT_TRUE(registry.decide(as("one-more")));
}

TEST(ProducerRegistry, NumbersEndBeforeTheyWouldComeTwice) {
  const auto last = ProducerRegistry::restore({}, kLargestId - 5);
  ASSERT_TRUE(last);
  EXPECT_EQ(error_of(last->decide(raft::NodeId(1), 6)), Errc::kInternal);
  EXPECT_TRUE(last->decide(raft::NodeId(1), 5));
  const auto end = ProducerRegistry::restore({}, kLargestId);
  EXPECT_EQ(error_of(end->decide(as("ann"))), Errc::kInternal);
}

TEST(ProducerRegistry, RecordsThatContradictItAreNoticedAndChangeNothing) {
  ProducerRegistry registry = with("ann", {7, 3}, 20);
  const auto before = registry.named();
  const auto refused = [&](const auto& record) {
    return registry.apply(record).has_value() && registry.named() == before &&
           registry.next_id() == 20;
  };
  EXPECT_TRUE(refused(ProducerIdsAllocated{raft::NodeId(1), 19, 5})) << "given already";
  EXPECT_TRUE(refused(ProducerIdsAllocated{raft::NodeId(1), 21, 5})) << "one is left out";
  EXPECT_TRUE(refused(ProducerIdsAllocated{raft::NodeId(1), 20, 0}));
  EXPECT_TRUE(refused(ProducerRegistered{"ann", {7, 3}, process(2), {}})) << "the same epoch";
  EXPECT_TRUE(refused(ProducerRegistered{"ann", {7, 5}, process(2), {}})) << "one is left out";
  EXPECT_TRUE(refused(ProducerRegistered{"bob", {7, 4}, process(2), {}})) << "another's number";
  EXPECT_TRUE(refused(ProducerRegistered{"bob", {20, 1}, process(2), {}}));
  EXPECT_TRUE(refused(ProducerRegistered{"", {20, 0}, process(2), {}}));
  EXPECT_TRUE(refused(ProducerRegistered{"bob", {20, 0}, {}, {}}));
  EXPECT_TRUE(refused(ProducerForgotten{"bob"}));
}

TEST(ProducerRegistry, NoSnapshotHoldsAnImpossibleOne) {
  const auto one = [](record::ProducerIdentity identity) {
    return ProducerRegistry::Named{{"ann", {identity, process(1), {}}}};
  };
  EXPECT_TRUE(ProducerRegistry::restore(one({7, 3}), 8));
  EXPECT_FALSE(ProducerRegistry::restore(one({7, 3}), 7)) << "a number that was not given";
  EXPECT_FALSE(ProducerRegistry::restore(one({0, 3}), 8));
  EXPECT_FALSE(ProducerRegistry::restore(one({7, -1}), 8));
  EXPECT_FALSE(ProducerRegistry::restore({}, 0));
  ProducerRegistry::Named two = one({7, 3});
  two["bob"] = two["ann"];
  EXPECT_FALSE(ProducerRegistry::restore(two, 8)) << "one number for two names";
}

}  // namespace
}  // namespace penstock::broker
