// Random lives of a group. Clients do as JoinOrHeartbeat's contract says, and otherwise what
// clients do: crash, sleep until they are declared dead and wake up, hold on to what they should
// let go. The network loses, repeats and delays in both directions. Coordinators change and forget
// whatever is not in the log. A book, kept from requests and answers alone, says who owns what.
#include <gtest/gtest.h>

#include <cstdio>
#include <deque>
#include <set>

#include "base/random.h"
#include "tests/broker/group/compaction.h"
#include "tests/broker/group/group_book.h"
#include "tests/broker/group/group_scene.h"

namespace penstock::group {
namespace {

class Model {
 public:
  Model(std::uint64_t seed, Counts& counts) : rng_(seed), counts_(counts) {
    for (int topic = 1; topic <= kTopics; ++topic) {
      scene_.topic(topic, 1 + static_cast<std::uint32_t>(rng_.below(5)));
    }
    same_subscriptions_ = rng_.one_in(2);
    for (int i = 0; i < kClients; ++i) start(i);
  }

  void event() {
    ++counts_.events;
    scene_.now_ms += static_cast<std::int64_t>(rng_.below(150));
    const auto at = static_cast<std::size_t>(rng_.below(kClients));
    Client& client = clients_[at];
    switch (rng_.below(28)) {
      case 0:
        if (rng_.one_in(4)) start(static_cast<int>(at));  // the former one crashed, or sleeps on
        break;
      case 1:
        if (rng_.one_in(4)) client.sleeps_until_ms = scene_.now_ms + 30'000;
        break;
      case 2:
        client.member.slow = rng_.one_in(2);
        break;
      case 3:
        if (rng_.one_in(4)) leave(client, at);
        break;
      case 4:
        if (rng_.one_in(4)) change_coordinator();
        break;
      case 5:
        if (rng_.one_in(4)) change_topics();
        break;
      case 6:
        if (rng_.one_in(4)) reset();
        break;
      case 7:
        if (rng_.one_in(4) && !same_subscriptions_) {
          client.member.profile.subscription = subscription();
        }
        break;
      case 8:
      case 9:
        client.member.let_go();
        break;
      case 10:
      case 11:
      case 12:
        commit(client);
        break;
      case 13:
      case 14:
      case 15:
      case 16:
      case 17:
        beat(client);
        break;
      default:
        deliver_one();
    }
    expire();
    check();
  }

  // Everybody awake, nothing lost, dead ones declared dead; then everything is owned.
  void quiet() {
    while (!network_.empty()) deliver_one();
    for (int second = 0; second < 100; ++second) {
      scene_.now_ms += 1'000;
      for (Client& client : clients_) {
        client.sleeps_until_ms = 0;
        client.member.slow = false;
        client.member.let_go();
        request(awaited(client), client.member.heartbeat(), Loss::kNone);
      }
      expire();
      check();
    }
    const Group& group = scene_.group();
    std::set<TopicPartition> owned;
    std::size_t most = 0;
    std::size_t least = 1'000;
    ASSERT_EQ(group.members.size(), clients_.size()) << "the dead are gone";
    for (Client& client : clients_) {
      EXPECT_EQ(client.member.uses, group.share_of(client.member.id()));
      EXPECT_EQ(client.member.uses, group.holdings.at(client.member.id()).owned);
      owned.insert(client.member.uses.begin(), client.member.uses.end());
      most = std::max(most, client.member.uses.size());
      least = std::min(least, client.member.uses.size());
      EXPECT_EQ(client.member.beat(), 0U) << "in quiet nothing is written";
    }
    std::size_t wanted = 0;
    for (const auto& [name, shape] : scene_.topics_.all()) {
      if (std::ranges::any_of(clients_, [&](const Client& client) {
            return client.member.profile.subscription.topics.contains(name);
          })) {
        wanted += shape.partitions;
      }
    }
    EXPECT_EQ(owned.size(), wanted);
    if (same_subscriptions_) EXPECT_LE(most - least, 1U);
  }

  void replay() {
    GroupState state;
    for (const GroupRecord& record : compacted(scene_.log, rng_)) {
      ASSERT_TRUE(state.apply(state.applied(), record));
    }
    EXPECT_EQ(state.groups(), scene_.state.groups());
    const auto restored = GroupState::restore(scene_.state.snapshot());
    ASSERT_TRUE(restored);
    EXPECT_EQ(restored->groups(), scene_.state.groups());
    counts_.records += scene_.log.size();
  }

 private:
  static constexpr int kClients = 4;
  static constexpr int kTopics = 3;
  static constexpr std::size_t kMaxInFlight = 40;

  enum class Loss { kNone, kAnswerLost };
  using Request = std::variant<JoinOrHeartbeat, CommitOffsets, Leave>;
  struct Client {
    int process = 0;
    TestMember member;
    std::int64_t sleeps_until_ms = 0;
    int sent = 0;     // requests
    int awaited = 0;  // the request whose answer it takes; 0: none
  };
  struct Sender {
    int process = 0;
    int request = 0;
  };
  struct Message {
    Sender sender;  // of the request that it is, or answers
    std::variant<Request, Result<Assignment>> content;
  };

  Subscription subscription() {
    Subscription wanted;
    for (int topic = 1; topic <= kTopics; ++topic) {
      if (same_subscriptions_ || rng_.one_in(2)) wanted.topics.insert("t" + std::to_string(topic));
    }
    return wanted;
  }

  // A new process takes the place of the one that was there, which is not heard any more.
  void start(int at) {
    MemberProfile profile = scene_.profile({});
    profile.subscription = subscription();
    profile.poll_interval_ms = 20'000;
    if (at % 2 == 0) profile.instance = "i" + std::to_string(at);
    Client fresh{++last_process_, TestMember(scene_, last_process_, std::move(profile))};
    if (clients_.size() < static_cast<std::size_t>(kClients)) {
      clients_.push_back(std::move(fresh));
      return;
    }
    clients_[static_cast<std::size_t>(at)] = std::move(fresh);
  }

  bool sleeps(const Client& client) const { return client.sleeps_until_ms > scene_.now_ms; }

  void beat(Client& client) {
    if (sleeps(client) || network_.size() >= kMaxInFlight) return;
    network_.push_back({awaited(client), Request(client.member.heartbeat())});
  }
  static Sender awaited(Client& client) {
    client.awaited = ++client.sent;
    return {client.process, client.sent};
  }
  void send(const Client& client, Request request) {
    if (sleeps(client) || network_.size() >= kMaxInFlight) return;
    network_.push_back({{client.process, 0}, std::move(request)});
  }

  void commit(Client& client) {
    CommitOffsets request{.group = GroupScene::kGroup,
                          .member = MemberCredential{client.member.id(), client.member.epoch},
                          .positions = {},
                          .topics = scene_.topics(),
                          .now = scene_.now()};
    const auto add = [&](const TopicPartition& one) {
      request.positions.push_back(
          {one, Offset(static_cast<std::int64_t>(rng_.below(1'000))), Term(1), ""});
    };
    for (const TopicPartition& one : client.member.uses) {
      if (rng_.one_in(2)) add(one);
    }
    if (request.positions.empty()) add(part(1, 0));
    send(client, std::move(request));
  }

  void leave(Client& client, std::size_t at) {
    send(client, Leave{GroupScene::kGroup,
                       {client.member.id(), client.member.epoch},
                       rng_.one_in(2) ? Departure::kMayReturn : Departure::kForGood,
                       scene_.topics(),
                       scene_.now()});
    start(static_cast<int>(at));
  }

  void change_coordinator() {
    ++counts_.coordinators;
    sessions_.begin(scene_.state, scene_.now_ms);
  }

  void change_topics() {
    const int topic = 1 + static_cast<int>(rng_.below(kTopics));
    const std::string name = "t" + std::to_string(topic);
    const auto before = scene_.topics_.find(name);
    std::vector<Uuid> deleted;
    if (before && rng_.one_in(3)) {
      scene_.topics_.remove(name);
      deleted = {before->id};
    } else if (before) {
      scene_.topics_.put(name, {before->id, before->partitions + 1});
    } else {
      scene_.topics_.put(name, {id_of(1'000 + ++recreated_), 2});
    }
    for (const Uuid& id : deleted) {
      std::erase_if(book_.positions, [&](const auto& one) { return one.first.topic == id; });
    }
    const auto decision = scene_.carry_out(TopicsChanged{.group = GroupScene::kGroup,
                                                         .topics = scene_.topics(),
                                                         .deleted = std::move(deleted),
                                                         .matches = {},
                                                         .now = scene_.now()});
    EXPECT_TRUE(decision);
    follow();
  }

  void reset() {
    const auto shape = scene_.topics_.find("t1");
    if (!shape) return;
    const TopicPartition one{shape->id, PartitionId(0)};
    const Offset to(static_cast<std::int64_t>(rng_.below(1'000)));
    const bool is_known = scene_.state.find(GroupScene::kGroup) != nullptr;
    const auto decision = scene_.carry_out(ResetOffsets{.group = GroupScene::kGroup,
                                                        .changes = {{one, to, Term(-1)}},
                                                        .rehearsal = Rehearsal::kCarryOut,
                                                        .topics = scene_.topics(),
                                                        .now = scene_.now()});
    EXPECT_EQ(decision.has_value(), book_.is_empty() && is_known);
    if (decision) book_.positions[one] = to;
  }

  // Any message that is under way: lost, or delivered, perhaps not for the last time.
  void deliver_one() {
    if (network_.empty()) return;
    const auto at = network_.begin() + static_cast<std::ptrdiff_t>(rng_.below(network_.size()));
    const Message message = *at;
    const std::uint64_t fate = rng_.below(8);
    if (fate != 0) network_.erase(at);  // 0: it stays, and comes once more
    if (fate == 1) return;
    if (const auto* const sent = std::get_if<Request>(&message.content)) {
      request(message.sender, *sent, fate == 2 ? Loss::kAnswerLost : Loss::kNone);
    } else {
      answer(message.sender, std::get<Result<Assignment>>(message.content));
    }
  }

  void request(Sender sender, const Request& request, Loss loss) {
    std::visit([&](const auto& one) { carry_out(sender, one, loss); }, request);
  }

  void carry_out(Sender sender, JoinOrHeartbeat command, Loss loss) {
    command.topics = scene_.topics();
    const Group::Members before = members();
    const auto decision = scene_.carry_out(command);
    note_gone(before);
    if (decision) {
      book_.heartbeat(command, decision->answer, scene_.group().share_of(command.member), counts_);
    }
    follow();
    if (decision) sessions_.heard(GroupScene::kGroup, command.member, 0, scene_.now_ms);
    if (loss == Loss::kAnswerLost) return;
    Result<Assignment> reply =
        decision ? Result<Assignment>(decision->answer) : std::unexpected(decision.error());
    // In the same moment, when it can be; or when the network likes to.
    if (rng_.one_in(2) || network_.size() >= kMaxInFlight) {
      answer(sender, reply);
    } else {
      network_.push_back({sender, std::move(reply)});
    }
  }

  void carry_out(Sender, const CommitOffsets& command, Loss) {
    const bool allowed = book_.may_commit(command);
    const auto decision = scene_.carry_out(command);
    EXPECT_EQ(decision.has_value(), allowed)
        << (decision ? "a stranger commits" : decision.error().to_string());
    if (!decision) {
      ++counts_.refused;
      return;
    }
    ++counts_.commits;
    for (const NewPosition& one : command.positions) book_.positions[one.partition] = one.offset;
  }

  void carry_out(Sender, Leave command, Loss) {
    command.topics = scene_.topics();
    const Group::Members before = members();
    scene_.carry_out(command);
    note_gone(before);
    follow();
  }

  void answer(Sender sender, const Result<Assignment>& answer) {
    for (Client& client : clients_) {
      if (client.process != sender.process || client.awaited != sender.request || sleeps(client))
        continue;
      client.awaited = 0;
      if (answer) {
        client.member.take(*answer);
      } else if (answer.error().code() == Errc::kUnknownMember) {
        client.member.epoch = Epoch(0);
        client.member.uses.clear();
        client.member.owned.clear();
      }
    }
  }

  Group::Members members() const {
    const auto found = scene_.state.groups().find(GroupScene::kGroup);
    return found == scene_.state.groups().end() ? Group::Members() : found->second.members;
  }

  // Who was declared dead, left, is away, or was replaced owns nothing.
  void note_gone(const Group::Members& before) {
    const Group::Members after = members();
    for (const auto& [member, facts] : before) {
      const auto now = after.find(member);
      if (now == after.end() || now->second.presence == Presence::kAway) book_.gone(member);
    }
  }

  void follow() {
    const auto found = scene_.state.groups().find(GroupScene::kGroup);
    sessions_.follow(GroupScene::kGroup,
                     found == scene_.state.groups().end() ? nullptr : &found->second,
                     scene_.now_ms);
  }

  void expire() {
    std::vector<Uuid> dead;
    for (const GroupSessions::Expiry& one : sessions_.expired(scene_.now_ms)) {
      dead.push_back(one.member);
    }
    if (dead.empty()) return;
    counts_.expired += dead.size();
    const Group::Members before = members();
    EXPECT_TRUE(
        scene_.carry_out(ExpireMembers{GroupScene::kGroup, dead, scene_.topics(), scene_.now()}));
    note_gone(before);
    follow();
  }

  void check() const {
    const auto found = scene_.state.groups().find(GroupScene::kGroup);
    if (found == scene_.state.groups().end()) return;
    const Group& group = found->second;
    std::set<TopicPartition> held;
    for (const auto& [member, holding] : group.holdings) {
      const auto facts = group.members.find(member);
      EXPECT_TRUE(facts != group.members.end() && facts->second.presence == Presence::kPresent);
      for (const TopicPartition& one : together(holding.owned, holding.revoking)) {
        EXPECT_TRUE(held.insert(one).second) << "in two holdings";
      }
    }
    // Whoever is not dead uses only what the log says that it may.
    for (const Client& client : clients_) {
      const auto member = find_member(group, client.member.id(), client.member.epoch);
      if (!member) continue;
      EXPECT_TRUE(
          includes(together(member->holding.owned, member->holding.revoking), client.member.uses))
          << "uses what others may use";
    }
    std::map<TopicPartition, Offset> positions;
    for (const auto& [partition, position] : group.positions) {
      positions[partition] = position.offset;
    }
    EXPECT_EQ(positions, book_.positions) << "a position moved by itself";
  }

  Rng rng_;
  Counts& counts_;
  GroupScene scene_;
  GroupSessions sessions_;
  Book book_;
  std::deque<Client> clients_;
  std::deque<Message> network_;
  bool same_subscriptions_ = false;
  int last_process_ = 0;
  int recreated_ = 0;
};

TEST(GroupModel, NoPartitionHasTwoOwnersAndInTheEndEachHasOne) {
  constexpr int kSeeds = 600;
  Counts counts;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Model model(seed, counts);
    for (int event = 0; event < 500 && !testing::Test::HasFailure(); ++event) model.event();
    if (!testing::Test::HasFailure()) model.quiet();
    if (!testing::Test::HasFailure()) model.replay();
    if (testing::Test::HasFailure()) return;
  }
  std::printf(
      "GROUPMODEL seeds=%d events=%zu records=%zu given=%zu commits=%zu refused=%zu expired=%zu "
      "coordinators=%zu\n",
      kSeeds, counts.events, counts.records, counts.given, counts.commits, counts.refused,
      counts.expired, counts.coordinators);
  EXPECT_GT(counts.refused, 0U);
  EXPECT_GT(counts.expired, 0U);
  EXPECT_GT(counts.commits, 0U);
}

}  // namespace
}  // namespace penstock::group
