// A link to another broker over real sockets: what arrives, in how many exchanges, and what happens
// when the other side is away, hangs, moves, or is somebody else.
#include <gtest/gtest.h>

#include <map>

#include "broker/peer/limits.h"
#include "broker/peer/peer_link.h"
#include "broker/peer/peers.h"
#include "tests/broker/peer/neighbour.h"

namespace penstock::broker {
namespace {

using rpc::testing::run;
using testing::batches;
using testing::kSelf;
using testing::leads;
using testing::Neighbour;
using testing::reply;
using testing::round_of;

constexpr raft::NodeId kPeer{2};

class PeerLinkTest : public ::testing::Test {
 protected:
  // Runs the story, then ends what it used.
  void play(Task<void> story) { run(context_, finish(std::move(story))); }
  PeerLink& link() {
    if (!link_) {
      link_ =
          std::make_unique<PeerLink>(context_.get_executor(), kSelf, kPeer, neighbour_.endpoint());
    }
    return *link_;
  }

  asio::io_context context_;
  Neighbour neighbour_{context_, kPeer.value()};

 private:
  Task<void> finish(Task<void> story) {
    co_await std::move(story);
    if (link_) co_await link_->close();
    link_.reset();
    co_await neighbour_.stop();
  }

  std::unique_ptr<PeerLink> link_;
};

// Sends something again and again until the link is (un)usable.
Task<void> send_until(bool up, PeerLink& link) {
  while (link.is_up() != up) {
    link.send(reply(0, 0));
    static_cast<void>(co_await sleep_for(std::chrono::milliseconds(1)));
  }
}

Bytes some_bytes(std::size_t size, int salt) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::byte>((i * 7 + static_cast<std::size_t>(salt)) & 0xffU);
  }
  return bytes;
}

Task<void> one_turn(PeerLink& link, Neighbour& neighbour) {
  constexpr int kGroups = 100;
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    for (int group = 0; group < kGroups; ++group) {
      link.send(reply(group, static_cast<std::uint64_t>(round)));
      link.send(batches(group, static_cast<std::uint64_t>(round),
                        some_bytes(static_cast<std::size_t>(1 + group), round)));
    }
  }
  co_await neighbour.wait_for_messages(2 * kGroups * kRounds);
  EXPECT_EQ(neighbour.exchanges().size(), 2U) << "one a lane";
  std::map<std::pair<int, bool>, std::vector<std::uint64_t>> rounds;
  for (const GroupMessage& message : neighbour.messages()) {
    const int group = message.group.partition.value();
    const bool bulk = !message.message.attachment.empty();
    rounds[{group, bulk}].push_back(round_of(message));
    if (!bulk) continue;
    const Bytes sent =
        some_bytes(static_cast<std::size_t>(1 + group), static_cast<int>(round_of(message)));
    EXPECT_TRUE(equal(message.message.attachment.view(), sent)) << "group " << group;
  }
  EXPECT_EQ(rounds.size(), 2U * kGroups);
  for (const auto& [lane, seen] : rounds) {
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  }
}

TEST_F(PeerLinkTest, WhatOneTurnProducesLeavesTogetherInOrderAndWhole) {
  neighbour_.start();
  play(one_turn(link(), neighbour_));
}

Task<void> many_turns(PeerLink& link, Neighbour& neighbour) {
  constexpr std::uint64_t kTurns = 500;
  for (std::uint64_t turn = 0; turn < kTurns; ++turn) {
    link.send(batches(0, turn, some_bytes(1'000, static_cast<int>(turn))));
    static_cast<void>(co_await sleep_for(std::chrono::microseconds(1)));
  }
  co_await neighbour.wait_for_messages(kTurns);
  std::uint64_t next = 0;
  for (const GroupMessage& message : neighbour.messages()) EXPECT_EQ(round_of(message), next++);
  EXPECT_EQ(next, kTurns);
}

TEST_F(PeerLinkTest, AGroupsBatchesKeepTheirOrderOverManyExchanges) {
  neighbour_.start();
  play(many_turns(link(), neighbour_));
}

Task<void> news(PeerLink& link, Neighbour& neighbour) {
  link.announce(leads(1, 4));
  link.announce(leads(2, 4));
  link.announce(leads(1, 5));
  co_await neighbour.wait_for_news(2);
  std::map<int, LeaderNews> heard;
  for (const LeaderNews& one : neighbour.news()) heard[one.partition.partition.value()] = one;
  EXPECT_EQ(heard.at(1), leads(1, 5)) << "the newest of what was said of a partition";
  EXPECT_EQ(heard.at(2), leads(2, 4));
}

TEST_F(PeerLinkTest, NewsOfLeadersArriveTheNewestOfEachPartition) {
  neighbour_.start();
  play(news(link(), neighbour_));
}

Task<void> hears_refusal(PeerLink& link, Neighbour& neighbour) {
  neighbour.refuse_with(Errc::kNotReady);
  co_await send_until(false, link);
  neighbour.refuse_with(std::nullopt);
  co_await send_until(true, link);
}

TEST_F(PeerLinkTest, APeerThatRefusesCountsAsAwayUntilItTakesAnExchange) {
  neighbour_.start();
  play(hears_refusal(link(), neighbour_));
}

TEST_F(PeerLinkTest, ABrokerThatIsAwayIsFoundWhenItComesUpAndHearsTheNews) {
  neighbour_.start();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    co_await neighbour.stop();
    co_await send_until(false, link);
    link.announce(leads(1, 9));
    neighbour.start();
    co_await send_until(true, link);
    co_await neighbour.wait_for_news(1);
    EXPECT_EQ(neighbour.news().front(), leads(1, 9)) << "said while it was away";
  }(link(), neighbour_));
}

TEST_F(PeerLinkTest, ABrokerThatRestartsIsTalkedToAgain) {
  neighbour_.start();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    link.send(reply(0, 1));
    co_await neighbour.wait_for_messages(1);
    co_await neighbour.stop();
    neighbour.start();
    while (neighbour.messages().size() < 2) {
      link.send(reply(0, 2));
      static_cast<void>(co_await sleep_for(std::chrono::milliseconds(1)));
    }
  }(link(), neighbour_));
}

TEST_F(PeerLinkTest, AnotherBrokerAtTheAddressIsToldNothing) {
  neighbour_.pose_as(3);
  neighbour_.start();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    co_await send_until(false, link);
    EXPECT_TRUE(neighbour.exchanges().empty());
    co_await neighbour.stop();
    neighbour.pose_as(kPeer.value());
    neighbour.start();
    co_await send_until(true, link);
  }(link(), neighbour_));
}

TEST_F(PeerLinkTest, ABrokerOfAnotherClusterIsToldNothing) {
  neighbour_.belong_to(*Uuid::parse("ffffffffffffffffffffffffffffffff"));
  neighbour_.start();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    co_await send_until(false, link);
    EXPECT_TRUE(neighbour.exchanges().empty());
  }(link(), neighbour_));
}

TEST_F(PeerLinkTest, AnAddressThatMovesIsFollowed) {
  neighbour_.start();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    link.send(reply(0, 1));
    co_await neighbour.wait_for_messages(1);
    co_await neighbour.stop();
    neighbour.move();
    neighbour.start();
    link.move_to(neighbour.endpoint());
    link.send(reply(0, 2));
    co_await neighbour.wait_for_messages(2);
    EXPECT_EQ(round_of(neighbour.messages().back()), 2U);
  }(link(), neighbour_));
}

TEST_F(PeerLinkTest, ClosingDoesNotWaitForAnswers) {
  neighbour_.start();
  neighbour_.hang();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    link.send(reply(0, 1));
    link.send(batches(0, 1, some_bytes(10, 1)));
    co_await neighbour.wait_until_it_hangs();
    co_await link.close();
    link.send(reply(0, 2));
    link.announce(leads(1, 1));
  }(link(), neighbour_));
}

TEST_F(PeerLinkTest, ClosingEndsAnAttemptToConnect) {
  neighbour_.start();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    co_await neighbour.stop();
    co_await send_until(false, link);
    link.announce(leads(1, 1));  // keeps it trying
    co_await link.close();
    neighbour.start();
  }(link(), neighbour_));
}

TEST_F(PeerLinkTest, AHungPeerCostsABoundedAmountAndGetsTheRestWhenItGoesOn) {
  neighbour_.start();
  neighbour_.hang();
  play([](PeerLink& link, Neighbour& neighbour) -> Task<void> {
    for (std::size_t exchange = 0; exchange < kMaxExchangesUnderWay; ++exchange) {
      link.send(reply(0, exchange));
      co_await neighbour.wait_for_messages(exchange + 1);
    }
    for (std::size_t i = 0; i < kMaxWaitingMessages + 10; ++i) link.send(reply(1, i));
    EXPECT_EQ(link.dropped(), 10U);
    EXPECT_EQ(neighbour.exchanges().size(), kMaxExchangesUnderWay);
    neighbour.go_on();
    co_await neighbour.wait_for_messages(kMaxExchangesUnderWay + kMaxWaitingMessages);
    EXPECT_EQ(neighbour.exchanges().size(),
              kMaxExchangesUnderWay + kMaxWaitingMessages / kMaxMessagesPerExchange);
  }(link(), neighbour_));
}

// --- all peers of a shard

TEST(Peers, EachHearsWhatIsMeantForItAndAHungOneStopsNobody) {
  asio::io_context context;
  Neighbour second(context, 2);
  Neighbour third(context, 3);
  second.start();
  third.start();
  third.hang();
  run(context, [](asio::io_context& context, Neighbour& second, Neighbour& third) -> Task<void> {
    Peers peers(context.get_executor(), kSelf);
    EXPECT_FALSE(peers.is_up(raft::NodeId(2))) << "no address is known";
    peers.send({}, reply(0, 0).message);  // lost
    peers.set_addresses({{kSelf.broker, {"127.0.0.1", 1}},
                         {raft::NodeId(2), second.endpoint()},
                         {raft::NodeId(3), third.endpoint()}});
    EXPECT_TRUE(peers.is_up(raft::NodeId(2)));
    EXPECT_FALSE(peers.is_up(kSelf.broker));
    for (std::uint64_t round = 0; round < 100; ++round) {
      GroupMessage to_third = reply(5, round);
      to_third.message.envelope.to = raft::NodeId(3);
      peers.send(to_third.group, to_third.message);
      peers.send({Uuid{}, PartitionId(5)}, reply(5, round).message);
      co_await second.wait_for_messages(round + 1);
    }
    peers.announce(leads(1, 7));
    co_await second.wait_for_news(1);
    third.go_on();
    co_await third.wait_for_news(1);
    co_await third.wait_for_messages(100);
    for (const Exchanged& exchange : third.exchanges()) {
      EXPECT_EQ(exchange.from, kSelf.broker);
      EXPECT_EQ(exchange.from_directory, kSelf.directory);
      EXPECT_EQ(exchange.to, raft::NodeId(3));
      EXPECT_EQ(exchange.cluster_id, kSelf.cluster_id);
    }
    // The third is gone for good.
    peers.set_addresses({{raft::NodeId(2), second.endpoint()}});
    EXPECT_FALSE(peers.is_up(raft::NodeId(3)));
    co_await peers.close();
    co_await second.stop();
    co_await third.stop();
  }(context, second, third));
}

}  // namespace
}  // namespace penstock::broker
