// Small pure parts: pauses, deadlines, metadata, ledgers and reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/backoff.h"
#include "client/instant.h"
#include "client/metadata.h"
#include "client/reports.h"

namespace penstock::client {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

TEST(BackoffTest, PausesDoubleUpToTheLimitAndAreShortenedByHalfAtMost) {
  const Backoff backoff(milliseconds(50), milliseconds(400));
  const std::vector<std::pair<std::uint32_t, int>> full = {
      {0, 50}, {1, 50}, {2, 100}, {3, 200}, {4, 400}, {5, 400}, {4'000'000, 400}};
  Rng rng(1);
  for (const auto& [failures, ms] : full) {
    milliseconds shortest(1'000'000);
    milliseconds longest(0);
    for (int i = 0; i < 200; ++i) {
      const milliseconds pause = backoff.pause(failures, rng);
      shortest = std::min(shortest, pause);
      longest = std::max(longest, pause);
    }
    EXPECT_GE(shortest.count(), ms / 2) << failures;
    EXPECT_LE(longest.count(), ms) << failures;
    EXPECT_LT(shortest, longest) << "clients that failed together must not come back together";
  }
}

TEST(BackoffTest, NeverPausesForNothing) {
  Rng rng(1);
  EXPECT_GE(Backoff(milliseconds(0), milliseconds(0)).pause(1, rng), milliseconds(1));
}

TEST(InstantTest, ADeadlineInTheFarFutureDoesNotOverflow) {
  const Instant now{std::chrono::hours(1)};
  EXPECT_EQ(deadline_after(now, milliseconds(5)), now + milliseconds(5));
  EXPECT_EQ(deadline_after(now, milliseconds::max()), Instant::max());
}

TopicMetadata topic_of(std::uint8_t id, std::vector<PartitionMetadata> partitions) {
  TopicMetadata topic{
      .name = "orders", .id = {}, .partitions = std::move(partitions), .fetched_at = {}};
  topic.id.bytes[0] = static_cast<std::byte>(id);
  return topic;
}

TEST(MetadataTest, AnAnswerOfYesterdayDoesNotBringBackAnOldLeader) {
  MetadataCache cache;
  cache.update_topic(topic_of(
      1, {{.leader = 4, .leader_epoch = Term(9)}, {.leader = 5, .leader_epoch = Term(2)}}));
  cache.update_topic(topic_of(
      1, {{.leader = 3, .leader_epoch = Term(8)}, {.leader = 6, .leader_epoch = Term(3)}}));
  const TopicMetadata& known = *cache.topic("orders");
  EXPECT_EQ(known.partitions[0].leader, 4);
  EXPECT_EQ(known.partitions[1].leader, 6);
}

TEST(MetadataTest, ABrokerThatHasNotHeardOfNewPartitionsTakesNoneAway) {
  MetadataCache cache;
  cache.update_topic(topic_of(1, {{4, Term(1)}, {5, Term(1)}}));
  cache.update_topic(topic_of(1, {{6, Term(2)}}));
  ASSERT_EQ(cache.topic("orders")->partitions.size(), 2U);
  EXPECT_EQ(cache.topic("orders")->partitions[0].leader, 6);
  EXPECT_EQ(cache.topic("orders")->partitions[1].leader, 5);
  cache.update_topic(topic_of(2, {{6, Term(1)}}));
  EXPECT_EQ(cache.topic("orders")->partitions.size(), 1U) << "another topic of that name";
}

TEST(MetadataTest, ARecreatedTopicBeginsAnew) {
  MetadataCache cache;
  cache.update_topic(topic_of(1, {{.leader = 4, .leader_epoch = Term(9)}}));
  cache.update_topic(topic_of(2, {{.leader = 3, .leader_epoch = Term(0)}}));
  EXPECT_EQ(cache.topic("orders")->partitions[0].leader, 3);
}

TEST(MetadataTest, ABrokerThatIsBehindBringsNoDeletedTopicBackAndTakesNoNewOneAway) {
  MetadataCache cache;
  auto created_again = topic_of(2, {{.leader = 3, .leader_epoch = Term(0)}});
  created_again.as_of = 100;
  EXPECT_TRUE(cache.update_topic(created_again));
  auto before = topic_of(1, {{.leader = 4, .leader_epoch = Term(9)}});
  before.as_of = 90;
  EXPECT_FALSE(cache.update_topic(before));
  EXPECT_EQ(cache.topic("orders")->partitions[0].leader, 3);
  EXPECT_FALSE(cache.forget_topic("orders", 90)) << "it has not heard of it yet";
  EXPECT_TRUE(cache.forget_topic("orders", 101));
  EXPECT_EQ(cache.topic("orders"), nullptr);
}

TEST(MetadataTest, BrokersThatLeftAreForgottenAndOldAnswersBringNothingBack) {
  MetadataCache cache;
  cache.update_brokers({{1, {"a", 1}}, {2, {"b", 2}}}, 100);
  cache.update_brokers({{1, {"a", 7}}, {3, {"c", 3}}}, 110);
  EXPECT_EQ(cache.broker(2), nullptr);
  cache.update_brokers({{1, {"a", 1}}}, 105);
  EXPECT_EQ(cache.broker(1)->port, 7);
  ASSERT_NE(cache.broker(3), nullptr);
}

TEST(MetadataTest, AMissingLeaderIsToldWithTheBrokersThatAreNeeded) {
  EXPECT_EQ(no_leader("orders", PartitionId(3), {2, 3}).message(),
            "no leader for orders/3: all of brokers 2, 3 are needed; see penstock cluster status");
  EXPECT_EQ(no_leader("orders", PartitionId(0), {2}).message(),
            "no leader for orders/0: broker 2 is needed; see penstock cluster status");
  EXPECT_EQ(no_leader("orders", PartitionId(0), {1, 2, 3}).code(), Errc::kNotLeader);
}

TEST(MetadataTest, KnowsItsAge) {
  MetadataCache cache;
  const Instant now{std::chrono::hours(1)};
  EXPECT_TRUE(cache.is_older_than("orders", milliseconds(10), now)) << "not known at all";
  auto topic = topic_of(1, {{}});
  topic.fetched_at = now;
  cache.update_topic(topic);
  EXPECT_FALSE(cache.is_older_than("orders", milliseconds(10), now + milliseconds(10)));
  EXPECT_TRUE(cache.is_older_than("orders", milliseconds(10), now + milliseconds(11)));
  cache.forget_topic("orders");
  EXPECT_EQ(cache.topic("orders"), nullptr);
}

TEST(LedgerTest, SplitsBetweenTwoRecords) {
  Ledger ledger{.tags = {10, 11, 12, 13}, .waiting = {{1, 7}, {2, 8}, {3, 9}}};
  const Ledger rest = ledger.split_off(2);
  EXPECT_THAT(ledger.tags, ElementsAre(10, 11));
  EXPECT_THAT(ledger.waiting, ElementsAre(std::pair(1U, 7ULL)));
  EXPECT_THAT(rest.tags, ElementsAre(12, 13));
  EXPECT_THAT(rest.waiting, ElementsAre(std::pair(0U, 8ULL), std::pair(1U, 9ULL)));
}

BatchOutcome outcome_of(std::vector<std::uint64_t> tags, std::int64_t base) {
  BatchOutcome outcome;
  outcome.records = static_cast<std::uint32_t>(tags.size());
  outcome.ledger.tags = std::move(tags);
  outcome.base_offset = Offset(base);
  return outcome;
}

std::vector<std::uint64_t> tags_of(const std::vector<Delivery>& deliveries) {
  std::vector<std::uint64_t> tags;
  for (const Delivery& delivery : deliveries) tags.push_back(delivery.tag);
  return tags;
}

TEST(ReportsTest, EachRecordOfADeliveredBatchHasItsOwnOffset) {
  Reports reports(DeliveryReports::kAll);
  reports.add(outcome_of({1, 2, 3}, 100), PartitionId(4));
  EXPECT_EQ(reports.size(), 3U);
  const auto deliveries = expand(reports.take());
  ASSERT_THAT(tags_of(deliveries), ElementsAre(1, 2, 3));
  EXPECT_EQ(deliveries[2].offset, Offset(102));
  EXPECT_EQ(deliveries[2].partition, PartitionId(4));
  EXPECT_EQ(reports.size(), 0U);
}

TEST(ReportsTest, WhoWantsErrorsOnlyHearsOfErrorsOnly) {
  Reports reports(DeliveryReports::kErrorsOnly);
  reports.add(outcome_of({1}, 0), PartitionId(0));
  auto failed = outcome_of({2, 3}, 0);
  failed.error = std::make_shared<const Error>(Errc::kDiskFull, "full");
  reports.add(failed, PartitionId(0));
  const auto deliveries = expand(reports.take());
  ASSERT_THAT(tags_of(deliveries), ElementsAre(2, 3));
  EXPECT_EQ(deliveries[0].error->code(), Errc::kDiskFull);
}

TEST(ReportsTest, ARecordWhoseCallerWaitedIsNotReportedAgain) {
  Reports reports(DeliveryReports::kAll);
  auto mixed = outcome_of({1, 2, 3}, 0);
  mixed.ledger.waiting = {{1, 77}};
  reports.add(mixed, PartitionId(0));
  auto waited_alone = outcome_of({4}, 0);
  waited_alone.ledger.waiting = {{0, 78}};
  reports.add(waited_alone, PartitionId(0));
  EXPECT_EQ(reports.size(), 2U);
  EXPECT_THAT(tags_of(expand(reports.take())), ElementsAre(1, 3));
}

}  // namespace
}  // namespace penstock::client
