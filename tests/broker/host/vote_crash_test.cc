// Power cuts under the store of votes: what was flushed is there, and nothing that was not put.
#include <gtest/gtest.h>

#include <cstdio>

#include "broker/host/limits.h"
#include "broker/host/vote_journal.h"
#include "broker/host/vote_store.h"
#include "fakes/fake_env.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

using fakes::FakeEnv;
using fakes::Fault;
using fakes::Survives;

constexpr const char* kDir = "/data";
const Uuid kOwner = *Uuid::parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
constexpr int kGroups = 6;

TopicPartition group(int number) { return {kOwner, PartitionId(number)}; }

// A node that votes at random and remembers what it promised.
struct Voter {
  FakeEnv env;
  Rng rng;
  std::unique_ptr<VoteStore> store;
  std::map<int, raft::HardState> promised;
  std::map<int, raft::HardState> last_put;

  explicit Voter(std::uint64_t seed) : rng(seed) {
    EXPECT_OK(env.create_dirs(kDir));
    EXPECT_OK(env.sync_dir("/"));
  }

  Status open() {
    PENSTOCK_TRY_ASSIGN(store, VoteStore::open(env, kDir, kOwner));
    return {};
  }

  void put_some() {
    const auto count = 1 + rng.below(rng.one_in(8) ? 600 : 5);
    for (std::uint64_t i = 0; i < count; ++i) {
      const int number = static_cast<int>(rng.below(kGroups));
      const auto known = store->find(group(number));
      const raft::HardState next{Term(known ? known->term.value() + 1 : 1),
                                 raft::NodeId(static_cast<std::int32_t>(rng.below(4)) - 1)};
      if (store->put(group(number), next)) last_put[number] = next;
    }
  }

  // False: the process died or must end.
  bool flush() {
    if (!store->needs_flush()) return true;
    const auto ticket = store->begin_flush();
    const auto covered = last_put;
    if (rng.one_in(3)) put_some();
    const Status status = ticket.run();
    store->complete_flush(ticket, status);
    if (status) promised = covered;
    return status || status.error().code() == Errc::kDiskFull;
  }

  // After a crash and a successful open.
  std::string check() {
    for (int number = 0; number < kGroups; ++number) {
      const auto found = store->find(group(number));
      const auto must = promised.find(number);
      if (must != promised.end() && (!found || found->term < must->second.term)) {
        return "forgot a vote of group " + std::to_string(number);
      }
      if (must != promised.end() && found->term == must->second.term && *found != must->second) {
        return "altered a vote of group " + std::to_string(number);
      }
      const auto put = last_put.find(number);
      if (found && (put == last_put.end() || found->term > put->second.term)) {
        return "invented a vote of group " + std::to_string(number);
      }
    }
    // What was found is promised from now on: it may have been told.
    promised.clear();
    for (int number = 0; number < kGroups; ++number) {
      if (const auto found = store->find(group(number))) promised[number] = *found;
    }
    last_put = promised;
    return {};
  }
};

// One life: votes, faults, crashes; the second crash often hits the recovery from the first.
std::string live(std::uint64_t seed, std::uint64_t& crashes) {
  Voter voter(seed);
  if (const Status opened = voter.open(); !opened) return opened.error().to_string();
  for (int round = 0; round < 12; ++round) {
    const Fault fault = voter.rng.one_in(4) ? static_cast<Fault>(voter.rng.below(3)) : Fault::kKill;
    voter.env.plan_fault({.fault = fault, .at_call = voter.rng.below(24)});
    for (bool alive = true; alive && !voter.env.fault_happened();) {
      voter.put_some();
      alive = voter.flush();
    }
    voter.env.crash(static_cast<Survives>(voter.rng.below(3)), voter.rng);
    ++crashes;
    if (voter.rng.one_in(2)) {
      voter.env.plan_fault({.fault = Fault::kKill, .at_call = voter.rng.below(12)});
      static_cast<void>(voter.open());
      voter.env.crash(Survives::kRandomPart, voter.rng);
      ++crashes;
    }
    if (const Status opened = voter.open(); !opened) return "open: " + opened.error().to_string();
    if (std::string wrong = voter.check(); !wrong.empty()) return wrong;
  }
  return {};
}

TEST(VoteCrash, NoVoteIsForgottenWhateverTheDiskKeeps) {
  std::uint64_t crashes = 0;
  int bad = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const std::string wrong = live(seed, crashes);
    if (wrong.empty()) continue;
    ++bad;
    ADD_FAILURE() << "seed " << seed << ": " << wrong;
  }
  std::printf("VOTECRASH crashes=%lu bad=%d\n", crashes, bad);
}

// The process dies at each call of a life in turn, and nothing unsynced survives, or all of it.
TEST(VoteCrash, ACrashAtEachCall) {
  int calls = 0;
  for (bool reached = true; reached; ++calls) {
    for (const Survives survives : {Survives::kNothingUnsynced, Survives::kEverything}) {
      Voter voter(7);
      voter.env.plan_fault({.fault = Fault::kKill, .at_call = static_cast<std::uint64_t>(calls)});
      if (voter.open()) {
        for (int i = 0; i < 60 && !voter.env.fault_happened(); ++i) {
          voter.put_some();
          static_cast<void>(voter.flush());
        }
      }
      reached = voter.env.fault_happened();
      voter.env.crash(survives, voter.rng);
      ASSERT_OK(voter.open()) << "call " << calls;
      EXPECT_EQ(voter.check(), "") << "call " << calls;
    }
  }
  EXPECT_GT(calls, 100) << "the life is long enough to mean something";
}

// The newest records, cut off, zeroed and scribbled over from each of their bytes on: nobody was
// told of them, and they go; what was told before stays.
TEST(VoteCrash, ATornTailIsCutAtEachByte) {
  FakeEnv env;
  ASSERT_OK(env.create_dirs(kDir));
  {
    auto store = *VoteStore::open(env, kDir, kOwner);
    ASSERT_OK(store->put(group(0), {Term(1), raft::NodeId(1)}));
    for (int flush = 0; flush < 2; ++flush) {
      const auto ticket = store->begin_flush();
      store->complete_flush(ticket, ticket.run());
    }
    for (int i = 1; i <= 3; ++i) ASSERT_OK(store->put(group(i), {Term(2), raft::NodeId(2)}));
    const auto ticket = store->begin_flush();
    ASSERT_OK(ticket.run());
  }
  const Bytes whole = *env.contents("/data/votes");
  const std::size_t begin = kVoteRecordsBegin + kVoteRecordBytes;
  const std::size_t end = begin + 3 * kVoteRecordBytes;
  Rng rng(3);
  for (std::size_t from = begin; from <= end; ++from) {
    for (const bool garbage : {false, true}) {
      Bytes torn = whole;
      for (std::size_t i = from; i < end; ++i) {
        torn[i] = garbage ? static_cast<std::byte>(rng.next()) : std::byte{0};
      }
      env.put("/data/votes", torn);
      for (int restart = 0; restart < 2; ++restart) {
        const auto store = VoteStore::open(env, kDir, kOwner);
        ASSERT_OK(store);
        EXPECT_EQ((*store)->find(group(0)), (raft::HardState{Term(1), raft::NodeId(1)}));
        EXPECT_EQ((*store)->groups(), 1 + (from - begin) / kVoteRecordBytes) << from;
      }
      const Bytes after = *env.contents("/data/votes");
      const std::size_t kept = begin + (from - begin) / kVoteRecordBytes * kVoteRecordBytes;
      EXPECT_TRUE(std::all_of(after.begin() + static_cast<std::ptrdiff_t>(kept), after.end(),
                              [](std::byte b) { return b == std::byte{0}; }));
    }
  }
}

}  // namespace
}  // namespace penstock::broker
