// The next step of a group, case by case. A case reads: who is wanted, who is there, who is late or
// dead -> what is done.
#include "broker/controller/reconcile.h"

#include <gtest/gtest.h>

#include <sstream>

namespace penstock::broker {
namespace {

constexpr std::int64_t kNow = 100'000;
constexpr std::int64_t kLiveWithin = 1'000;
constexpr std::int64_t kMaxLag = 100;
constexpr Offset kLogEnd(5'000);

ReplicaList nodes(const std::string& list) {
  ReplicaList replicas;
  std::istringstream numbers(list);
  for (std::string one; std::getline(numbers, one, ',');) replicas.emplace_back(std::stoi(one));
  return replicas;
}

std::string to_text(const Step& step) {
  if (std::holds_alternative<StayAsItIs>(step.action)) return "stay";
  if (std::holds_alternative<WaitFor>(step.action)) return "wait";
  if (const auto* transfer = std::get_if<TransferLeadership>(&step.action)) {
    return "transfer to " + std::to_string(transfer->to.value());
  }
  const auto& change = std::get<ChangeMembership>(step.action);
  return "voters " + to_string(change.voters) +
         (change.learners.empty() ? "" : " learners " + to_string(change.learners));
}

struct Case {
  const char* story;
  const char* wanted;
  const char* voters;
  const char* learners;
  const char* late;  // members far behind
  const char* dead;  // members that are not heard
  int leader;
  const char* step;
  const char* why;  // a part of it
  friend void PrintTo(const Case& c, std::ostream* out) { *out << c.story; }
};

LedGroup group_of(const Case& c) {
  LedGroup group{.self = raft::NodeId(c.leader), .wanted = nodes(c.wanted)};
  group.membership = {.voters = nodes(c.voters), .outgoing = {}, .learners = nodes(c.learners)};
  group.log_end = kLogEnd;
  group.now_ms = kNow;
  group.live_within_ms = kLiveWithin;
  group.max_lag = kMaxLag;
  for (const std::string members : {c.voters, c.learners}) {
    for (const raft::NodeId node : nodes(members)) {
      if (node == group.self) continue;
      group.peers.push_back(
          {.node = node,
           .durable_end = contains(nodes(c.late), node) ? Offset(1'000) : kLogEnd - kMaxLag,
           .last_heard_ms =
               contains(nodes(c.dead), node) ? kNow - kLiveWithin - 1 : kNow - kLiveWithin,
           .voter = contains(nodes(c.voters), node)});
    }
  }
  return group;
}

class Reconcile : public testing::TestWithParam<Case> {};

TEST_P(Reconcile, DoesTheNextStep) {
  const Step step = next_step(group_of(GetParam()));
  EXPECT_EQ(to_text(step), GetParam().step) << step.why;
  EXPECT_NE(step.why.find(GetParam().why), std::string::npos) << step.why;
}

// clang-format off
INSTANTIATE_TEST_SUITE_P(OneToThree, Reconcile, testing::Values(
    //                                                 wanted   voters   learners late  dead  leader
    Case{"as placed",                                  "1,2,3", "1,2,3", "",      "",   "",   1, "stay", "as placed"},
    Case{"nothing is wanted",                          "",      "1,2,3", "",      "",   "",   1, "stay", "nothing"},
    Case{"newcomers learn first",                      "1,2,3", "1",     "",      "",   "",   1, "voters 1 learners 2,3", "learn"},
    Case{"both must have caught up",                   "1,2,3", "1",     "2,3",   "3",  "",   1, "wait", "3 is 4000 records behind"},
    Case{"two voters would be worse than one",         "1,2,3", "1",     "2,3",   "",   "3",  1, "wait", "3 is not heard"},
    Case{"then they vote, in one step",                "1,2,3", "1",     "2,3",   "",   "",   1, "voters 1,2,3", "become"},
    Case{"a third one is missing still",               "1,2,3", "1",     "2",     "",   "",   1, "voters 1 learners 2,3", "learn"},
    Case{"placement changed: one of them is not wanted", "1,2,4", "1",   "2,3",   "",   "",   1, "voters 1 learners 2,4", "learn"},
    Case{"placement changed back",                     "1",     "1",     "2,3",   "",   "",   1, "voters 1", "nobody wants them: 2,3"}));

INSTANTIATE_TEST_SUITE_P(ThreeToOne, Reconcile, testing::Values(
    Case{"the leader remains",                         "1",     "1,2,3", "",      "",   "",   1, "voters 1", "become"},
    Case{"the leader goes: it hands over first",       "2",     "1,2,3", "",      "",   "",   1, "transfer to 2", "leaves"},
    Case{"the one that remains is late",               "2",     "1,2,3", "",      "2",  "",   1, "wait", "2 is 4000 records behind"},
    Case{"the one that remains is dead",               "2",     "1,2,3", "",      "",   "2",  1, "wait", "2 is not heard"}));

INSTANTIATE_TEST_SUITE_P(Moves, Reconcile, testing::Values(
    Case{"one for another",                            "1,2,4", "1,2,3", "",      "",   "",   1, "voters 1,2,3 learners 4", "learn"},
    Case{"it caught up",                               "1,2,4", "1,2,3", "4",     "",   "",   1, "voters 1,2,4", "become"},
    Case{"the leader is the one that goes",            "4,2,3", "1,2,3", "4",     "",   "",   1, "transfer to 2", "leaves"},
    Case{"...and the others are late",                 "4,2,3", "1,2,3", "4",     "2",  "3",  1, "wait", "keep up"},
    Case{"...and one of the others can lead",          "4,2,3", "1,2,3", "4",     "2",  "",   1, "transfer to 3", "leaves"},
    Case{"all three go: newcomers vote beside the leader", "4,5,6", "1,2,3", "4,5,6", "", "", 1, "voters 1,4,5,6", "hands over"},
    Case{"...then it hands over",                      "4,5,6", "1,4,5,6", "",    "",   "",   1, "transfer to 4", "leaves"},
    Case{"...then it is let go",                       "4,5,6", "1,4,5,6", "",    "",   "",   4, "voters 4,5,6", "become"},
    Case{"a single replica moves: both vote for a while", "2", "1",     "2",      "",   "",   1, "voters 1,2", "hands over"},
    Case{"...it hands over",                           "2",     "1,2",   "",      "",   "",   1, "transfer to 2", "leaves"},
    Case{"...and goes",                                "2",     "1,2",   "",      "",   "",   2, "voters 2", "become"},
    Case{"a newcomer that nobody wants any more goes", "1,2,3", "1,2,3", "4",     "",   "4",  1, "voters 1,2,3", "nobody wants them: 4"}));

INSTANTIATE_TEST_SUITE_P(Deaths, Reconcile, testing::Values(
    Case{"a dead voter is replaced",                   "1,2,4", "1,2,3", "4",     "",   "3",  1, "voters 1,2,4", "become"},
    Case{"a dead voter that is wanted does not hinder a swap", "1,2,4", "1,2,3", "4", "", "2", 1, "voters 1,2,4", "become"},
    Case{"too few of the wanted ones live",            "1,2,3", "1,2,3,4,5", "",  "",   "2,3", 1, "wait", "too few"},
    Case{"too few of the wanted ones keep up",         "1,2,3", "1,2,3,4,5", "",  "2,3", "",   1, "wait", "2 is 4000 records behind, 3 is 4000"},
    Case{"one newcomer is dead, but another can take a dead one's place", "1,4,5", "1,2,3", "4,5", "", "3,5", 1, "voters 1,2,4 learners 5", "4 instead of 3"},
    Case{"...but not while too few of those that stay keep up", "1,4,5,6,7", "1,2,3", "4,5,6,7", "2", "3,5", 1, "wait", "5 is not heard"},
    Case{"one newcomer is dead, and nobody needs the other now", "1,4,5", "1,2,3", "4,5", "", "5", 1, "wait", "5 is not heard"}));
// clang-format on

TEST(ReconcileStory, OneChangeAtATime) {
  LedGroup group = group_of({"", "1,2,3", "1", "2,3", "", "", 1, "", ""});
  group.membership_is_committed = false;
  EXPECT_EQ(to_text(next_step(group)), "wait");
  group.membership_is_committed = true;
  group.membership.outgoing = nodes("1");
  EXPECT_EQ(to_text(next_step(group)), "wait");
}

TEST(ReconcileStory, ASnapshotOnItsWayIsNotCaughtUp) {
  LedGroup group = group_of({"", "1,2,3", "1", "2,3", "", "", 1, "", ""});
  group.peers[0].installing = true;
  const Step step = next_step(group);
  EXPECT_EQ(to_text(step), "wait");
  EXPECT_NE(step.why.find("2 receives a snapshot"), std::string::npos) << step.why;
}

TEST(ReconcileStory, LeadershipGoesToTheHeadOnlyWhenWished) {
  LedGroup group = group_of({"", "3,2,1", "1,2,3", "", "", "", 1, "", ""});
  EXPECT_EQ(to_text(next_step(group)), "stay");
  group.wish = LeadershipWish::kMoveToHead;
  EXPECT_EQ(to_text(next_step(group)), "transfer to 3");
  group.peers[1].durable_end = Offset(0);  // of 3
  EXPECT_EQ(to_text(next_step(group)), "transfer to 2");
  group.peers[0].last_heard_ms = 0;  // of 2
  EXPECT_EQ(to_text(next_step(group)), "stay");
}

TEST(ReconcileStory, WhoDrainsHandsOverThoughNobodyWished) {
  LedGroup group = group_of({"", "1,2,3", "1,2,3", "", "", "", 1, "", ""});
  group.must_not_lead = nodes("1,2");
  EXPECT_EQ(to_text(next_step(group)), "transfer to 3");
  group.must_not_lead = nodes("1,2,3");
  EXPECT_EQ(to_text(next_step(group)), "wait");
}

// The controller's own group: some follow for ever.
TEST(ReconcileStory, WantedLearnersStayLearners) {
  LedGroup group = group_of({"", "1,2,3", "1,2,3", "4", "", "", 1, "", ""});
  group.wanted_learners = nodes("4,5");
  EXPECT_EQ(to_text(next_step(group)), "voters 1,2,3 learners 4,5");
  group = group_of({"", "1,2,4", "1,2,3", "4", "", "", 1, "", ""});
  group.wanted_learners = nodes("3");
  EXPECT_EQ(to_text(next_step(group)), "voters 1,2,4");
  group = group_of({"", "1,2,4", "1,2,4", "", "", "", 1, "", ""});
  group.wanted_learners = nodes("3");
  EXPECT_EQ(to_text(next_step(group)), "voters 1,2,4 learners 3") << "who voted may learn again";
}

}  // namespace
}  // namespace penstock::broker
