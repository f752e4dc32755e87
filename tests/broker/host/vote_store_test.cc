// The store of votes: what is found again, and what makes it refuse.
#include "broker/host/vote_store.h"

#include <gtest/gtest.h>

#include "broker/host/limits.h"
#include "broker/host/vote_journal.h"
#include "fakes/fake_env.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::FakeEnv;

constexpr const char* kDir = "/data";
constexpr const char* kPath = "/data/votes";
const Uuid kOwner = *Uuid::parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");

TopicPartition group(int number) { return {kOwner, PartitionId(number)}; }
raft::HardState state(int term, int vote) { return {Term(term), raft::NodeId(vote)}; }

std::unique_ptr<FakeEnv> disk() {
  auto env = std::make_unique<FakeEnv>();
  EXPECT_OK(env->create_dirs(kDir));
  EXPECT_OK(env->sync_dir("/"));
  return env;
}

std::unique_ptr<VoteStore> open(Env& env) {
  auto store = VoteStore::open(env, kDir, kOwner);
  EXPECT_OK(store);
  return store ? *std::move(store) : nullptr;
}

Status flush(VoteStore& store) {
  while (store.needs_flush()) {
    const auto ticket = store.begin_flush();
    const Status status = ticket.run();
    store.complete_flush(ticket, status);
    PENSTOCK_TRY(status);
  }
  return {};
}

TEST(VoteStore, VotesAreFoundAgainAndTheLatestWins) {
  const auto env = disk();
  Rng rng(1);
  auto store = open(*env);
  ASSERT_OK(store->put(group(1), state(1, 1)));
  ASSERT_OK(store->put(group(2), state(5, -1)));
  ASSERT_OK(store->put(group(1), state(2, 3)));
  ASSERT_OK(flush(*store));
  ASSERT_OK(store->put(group(1), state(3, 1)));  // nobody was told
  env->crash(fakes::Survives::kNothingUnsynced, rng);
  store = open(*env);
  EXPECT_EQ(store->groups(), 2U);
  EXPECT_EQ(store->find(group(1)), state(2, 3));
  EXPECT_EQ(store->find(group(2)), state(5, -1));
  EXPECT_EQ(store->find(group(3)), std::nullopt);
}

TEST(VoteStore, AGroupThatIsGoneIsForgottenForGood) {
  const auto env = disk();
  auto store = open(*env);
  ASSERT_OK(store->put(group(1), state(4, 2)));
  ASSERT_OK(flush(*store));
  ASSERT_OK(store->forget(group(1)));
  ASSERT_OK(store->forget(group(1)));
  ASSERT_OK(flush(*store));
  store = open(*env);
  EXPECT_EQ(store->groups(), 0U);
  EXPECT_OK(store->put(group(1), state(1, 1)));
}

TEST(VoteStore, AVoteIsNotTakenBack) {
  const auto env = disk();
  const auto store = open(*env);
  ASSERT_OK(store->put(group(1), state(4, -1)));
  ASSERT_OK(store->put(group(1), state(4, 2)));
  EXPECT_OK(store->put(group(1), state(4, 2)));
  EXPECT_FALSE(store->put(group(1), state(4, 3)));
  EXPECT_FALSE(store->put(group(1), state(4, -1)));
  EXPECT_FALSE(store->put(group(1), state(3, 2)));
  EXPECT_EQ(store->find(group(1)), state(4, 2));
}

TEST(VoteStore, AThousandElectionsCostOneFlushAndOneForTheWatermark) {
  const auto env = disk();
  const auto store = open(*env);
  env->reset_calls();
  for (int i = 0; i < 1000; ++i) ASSERT_OK(store->put(group(i), state(1, 1)));
  ASSERT_OK(flush(*store));
  EXPECT_EQ(env->calls(fakes::kSync), 2U);
}

TEST(VoteStore, WhatIsPutDuringAFlushWaitsForTheNextOne) {
  const auto env = disk();
  Rng rng(1);
  auto store = open(*env);
  ASSERT_OK(store->put(group(1), state(1, 1)));
  const auto ticket = store->begin_flush();
  EXPECT_FALSE(store->needs_flush()) << "one at a time";
  ASSERT_OK(store->put(group(1), state(2, 2)));
  store->complete_flush(ticket, ticket.run());
  EXPECT_TRUE(store->needs_flush());
  env->crash(fakes::Survives::kNothingUnsynced, rng);
  store = open(*env);
  EXPECT_EQ(store->find(group(1)), state(1, 1));
}

TEST(VoteStore, TheJournalStaysSmallHoweverManyElectionsThereAre) {
  const auto env = disk();
  auto store = open(*env);
  for (int term = 1; term <= 20'000; ++term) {
    ASSERT_OK(store->put(group(term % 10), state(term, 1)));
    if (term % 7 == 0) ASSERT_OK(flush(*store));
  }
  ASSERT_OK(flush(*store));
  EXPECT_EQ(env->contents(kPath)->size(), kMinVoteJournalBytes);
  store = open(*env);
  EXPECT_EQ(store->find(group(0)), state(20'000, 1));
  EXPECT_EQ(store->find(group(9)), state(19'999, 1));
  EXPECT_EQ(store->groups(), 10U);
}

TEST(VoteStore, ManyGroupsMakeItGrow) {
  const auto env = disk();
  auto store = open(*env);
  for (int i = 0; i < 5'000; ++i) ASSERT_OK(store->put(group(i), state(i + 1, 1)));
  ASSERT_OK(flush(*store));
  store = open(*env);
  EXPECT_EQ(store->groups(), 5'000U);
  EXPECT_EQ(store->find(group(4'999)), state(5'000, 1));
}

TEST(VoteStore, AFullDiskDoesNotStopElectionsWhileTheJournalHasRoom) {
  const auto env = disk();
  auto store = open(*env);
  env->set_capacity(env->used_bytes());
  int term = 1;
  for (; term <= 1'500; ++term) {
    ASSERT_OK(store->put(group(1), state(term, 1)));
    ASSERT_OK(flush(*store)) << term;
  }
  // Then votes wait, and go on when there is space again.
  Status status;
  for (; status; ++term) {
    ASSERT_OK(store->put(group(1), state(term, 1)));
    status = flush(*store);
  }
  EXPECT_EQ(status.error().code(), Errc::kDiskFull);
  EXPECT_TRUE(store->needs_flush());
  env->set_capacity(std::nullopt);
  ASSERT_OK(flush(*store));
  store = open(*env);
  EXPECT_EQ(store->find(group(1)), state(term - 1, 1));
}

TEST(VoteStore, AFailedFlushIsTheEnd) {
  const auto env = disk();
  auto store = open(*env);
  ASSERT_OK(store->put(group(1), state(1, 1)));
  env->plan_fault({.fault = fakes::Fault::kIoError, .calls = fakes::kSync});
  const auto ticket = store->begin_flush();
  const Status status = ticket.run();
  EXPECT_EQ(status.error().code(), Errc::kFsyncFailed);
  store->complete_flush(ticket, status);
  env->clear_faults();
  EXPECT_FALSE(store->needs_flush());
  EXPECT_EQ(store->put(group(1), state(2, 1)).error().code(), Errc::kFsyncFailed);
}

TEST(VoteStore, AnotherNodesJournalIsForeign) {
  const auto env = disk();
  ASSERT_TRUE(open(*env));
  const auto other = VoteStore::open(*env, kDir, Uuid{});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), Errc::kForeignData);
}

// --- damage

struct Filled {
  std::unique_ptr<FakeEnv> env = disk();
  Bytes file;
  std::size_t used = kVoteRecordsBegin + 3 * kVoteRecordBytes;

  Filled() {
    const auto store = open(*env);
    for (int i = 1; i <= 3; ++i) EXPECT_OK(store->put(group(i), state(i, i)));
    EXPECT_OK(flush(*store));
    file = *env->contents(kPath);
  }
  // What open() makes of these bytes: "all", "kCorrupt: ...", or what is missing.
  std::string verdict(const Bytes& bytes) const {
    env->put(kPath, bytes);
    const auto store = VoteStore::open(*env, kDir, kOwner);
    if (!store) return std::string(info(store.error().code()).name);
    for (int i = 1; i <= 3; ++i) {
      if ((*store)->find(group(i)) != state(i, i)) return "forgot group " + std::to_string(i);
    }
    return (*store)->groups() == 3 ? "all" : "invented a group";
  }
};

TEST(VoteDamage, EveryFlippedBitIsHarmlessOrRefused) {
  const Filled filled;
  std::map<std::string, int> outcomes;
  for (std::size_t at = 0; at < filled.used + 128; ++at) {
    const bool padding = at >= 1200 && at < kVoteRecordsBegin - 64;
    if (padding) continue;
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = filled.file;
      bad[at] ^= static_cast<std::byte>(1U << bit);
      const std::string verdict = filled.verdict(bad);
      ++outcomes[verdict];
      EXPECT_TRUE(verdict == "all" || verdict == "Corrupt") << "byte " << at << ": " << verdict;
    }
  }
  EXPECT_GE(outcomes["Corrupt"], static_cast<int>(3 * kVoteRecordBytes * 8));
  EXPECT_GT(outcomes["all"], 0);
}

TEST(VoteDamage, EveryTruncationIsRefused) {
  const Filled filled;
  for (std::size_t size = 0; size < filled.used + 128; ++size) {
    Bytes bad = filled.file;
    bad.resize(size);
    EXPECT_EQ(filled.verdict(bad), "Corrupt") << size;
  }
}

TEST(VoteDamage, EverySectorOfZerosIsHarmlessOrRefused) {
  const Filled filled;
  for (std::size_t sector = 0; sector * kVoteSectorBytes < filled.used; ++sector) {
    Bytes bad = filled.file;
    std::fill_n(bad.begin() + static_cast<std::ptrdiff_t>(sector * kVoteSectorBytes),
                kVoteSectorBytes, std::byte{0});
    const std::string verdict = filled.verdict(bad);
    EXPECT_TRUE(verdict == "all" || verdict == "Corrupt") << "sector " << sector << ": " << verdict;
  }
}

}  // namespace
}  // namespace penstock::broker
