// Terms: how replicas find out how far their logs agree; and a log that begins anew.
#include <gtest/gtest.h>

#include "storage/limits.h"
#include "tests/storage/expect.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

using fakes::Survives;

// Terms 2 in [0, 4), 5 in [4, 10), 7 in [10, 11): one record a batch, all in one run's bytes.
void append_terms(LogScene& scene) {
  for (const auto& [term, count] : std::vector<std::pair<int, int>>{{2, 4}, {5, 6}, {7, 1}}) {
    for (int i = 0; i < count; ++i) {
      ASSERT_OK(scene.append_bytes(make_batch(1, 5, Timestamp(1)), Term(term)));
    }
  }
}

const std::vector<TermStart> kTerms = {
    {Term(2), Offset(0)}, {Term(5), Offset(4)}, {Term(7), Offset(10)}};

TEST(Terms, AnEmptyLogHasNone) {
  LogScene scene;
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.log->terms()->empty());
  EXPECT_EQ(scene.log->start_term(), Term());
  EXPECT_EQ(*scene.log->term_at(Offset(-1)), Term()) << "before everything";
  EXPECT_EQ(scene.log->term_at(Offset(0)).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_EQ(*scene.log->end_of_term(Term(3)), (TermEnd{Term(), Offset(0)}));
}

TEST(Terms, EachRecordHasTheOneItWasAppendedUnder) {
  LogScene scene;
  ASSERT_OK(scene.open());
  append_terms(scene);
  EXPECT_EQ(*scene.log->terms(), kTerms);
  EXPECT_EQ(*scene.log->term_at(Offset(3)), Term(2));
  EXPECT_EQ(*scene.log->term_at(Offset(4)), Term(5));
  EXPECT_EQ(*scene.log->term_at(Offset(10)), Term(7));
  EXPECT_EQ(scene.log->term_at(Offset(11)).error().code(), Errc::kOffsetOutOfRange);
}

TEST(Terms, EndWhereTheNextOneBegins) {
  LogScene scene;
  ASSERT_OK(scene.open());
  append_terms(scene);
  const auto end = [&](int term) { return *scene.log->end_of_term(Term(term)); };
  EXPECT_EQ(end(1), (TermEnd{Term(), Offset(0)}));
  EXPECT_EQ(end(2), (TermEnd{Term(2), Offset(4)}));
  EXPECT_EQ(end(4), (TermEnd{Term(2), Offset(4)})) << "a term that this log never saw";
  EXPECT_EQ(end(5), (TermEnd{Term(5), Offset(10)}));
  EXPECT_EQ(end(7), (TermEnd{Term(7), Offset(11)}));
  EXPECT_EQ(end(9), (TermEnd{Term(7), Offset(11)}));
}

TEST(Terms, AreFoundAgainWhateverIsLeftOfTheSideFiles) {
  for (const bool closed : {true, false}) {
    for (const bool with_side_files : {true, false}) {
      LogScene scene;
      ASSERT_OK(scene.open());
      append_terms(scene);
      ASSERT_OK(scene.append(40, Term(8)));
      ASSERT_OK(scene.append(40, Term(9)));
      const auto before = *scene.log->terms();
      ASSERT_OK(scene.flush());
      if (closed) {
        ASSERT_OK(scene.close());
      } else {
        scene.crash(Survives::kNothingUnsynced);
      }
      for (const std::string& file : scene.files()) {
        if (!with_side_files && file.ends_with(".idx")) scene.env->remove(file);
      }
      ASSERT_OK(scene.open());
      EXPECT_EQ(*scene.log->terms(), before);
    }
  }
}

TEST(Terms, AreCutWithTheLog) {
  LogScene scene;
  ASSERT_OK(scene.open());
  append_terms(scene);
  ASSERT_OK(scene.truncate_suffix(Offset(6)));
  EXPECT_EQ(*scene.log->terms(), (std::vector<TermStart>{kTerms[0], kTerms[1]}));
  EXPECT_EQ(scene.log->last_epoch(), Term(5));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.truncate_prefix(Offset(5)));
  EXPECT_EQ(*scene.log->terms(), (std::vector<TermStart>{{Term(5), Offset(5)}}));
  EXPECT_EQ(scene.log->start_term(), Term(5));
  EXPECT_EQ(scene.log->end_of_term(Term(4)).error().code(), Errc::kOffsetOutOfRange);
}

TEST(Terms, TheOneBeforeTheStartIsKeptWhenItsSegmentHasGone) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(30, Term(4)));
  const Offset start = scene.log->log_end();
  ASSERT_OK(scene.append(3, Term(6)));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.truncate_prefix(start));
  ASSERT_OK(scene.truncate_suffix(start));
  EXPECT_EQ(scene.log->last_epoch(), Term(4)) << "an empty log ends in what was there before";
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->start_term(), Term(4));
  EXPECT_EQ(*scene.log->term_at(start - 1), Term(4));
  EXPECT_EQ(*scene.log->end_of_term(Term(4)), (TermEnd{Term(4), start}));
}

TEST(Terms, InsideOfDamageAreNotGuessed) {
  LogScene scene;
  ASSERT_OK(scene.open());
  append_terms(scene);
  ASSERT_OK(scene.append(100, Term(8)));
  ASSERT_OK(scene.close());
  scene.env->remove(scene.path("00000000000000000000.log"));
  ASSERT_OK(scene.open());
  ASSERT_FALSE(scene.report.damage.empty());
  EXPECT_EQ(scene.log->term_at(Offset(3)).error().code(), Errc::kCorrupt);
  EXPECT_EQ(*scene.log->term_at(scene.log->log_end() - 1), Term(8));
}

TEST(Terms, OfALogWithoutAnIntactBatchAreThatBeforeItsStart) {
  LogScene scene;
  scene.options.index_interval_bytes = 1;  // the checkpoint tells of no batch
  ASSERT_OK(scene.open());
  append_terms(scene);
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.truncate_prefix(Offset(6)));
  scene.crash(Survives::kNothingUnsynced);
  const std::string file = scene.path("00000000000000000000.log");
  const Bytes whole = scene.env->contents(file).value();
  const std::size_t batch_bytes = scene.appended.begin()->second.size();  // of all of them
  scene.env->put(file, ByteView(whole).first(5 * batch_bytes));
  scene.env->remove(scene.path("00000000000000000000.idx"));
  ASSERT_OK(scene.open());
  ASSERT_FALSE(scene.report.damage.empty());
  EXPECT_EQ(scene.log->log_start(), Offset(6));
  EXPECT_EQ(scene.log->log_end(), Offset(11));
  EXPECT_EQ(*scene.log->terms(), (std::vector<TermStart>{{Term(5), Offset(6)}}));

  ASSERT_OK(scene.log->truncate_suffix(Offset(6)));  // for others to send it again
  EXPECT_TRUE(scene.log->damage().empty());
  EXPECT_EQ(scene.log->log_end(), Offset(6));
  EXPECT_EQ(scene.log->last_epoch(), Term(5));
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_EQ(scene.log->log_start(), Offset(6));
  EXPECT_EQ(scene.log->log_end(), Offset(6));
  EXPECT_EQ(scene.log->start_term(), Term(5));
}

// --- a log that begins anew

TEST(Reset, LeavesAnEmptyLogThatGoesOnWhereItIsTold) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100, Term(2)));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.reset_to(Offset(5'000'000'000), Term(3)));
  EXPECT_EQ(scene.log->log_start(), Offset(5'000'000'000));
  EXPECT_EQ(scene.log->durable_end(), Offset(5'000'000'000));
  EXPECT_EQ(scene.log->size_bytes(), 0U);
  EXPECT_EQ(scene.log->last_epoch(), Term(3));
  EXPECT_LE(scene.files().size(), 3U);
  EXPECT_EQ(scene.append(1, Term(2)).error().code(), Errc::kStaleEpoch);
  ASSERT_OK(scene.append(5, Term(3)));
  ASSERT_OK(scene.flush());
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_EQ(scene.check(), "");
  EXPECT_EQ(scene.log->start_term(), Term(3));
}

TEST(Reset, OfALogThatNeverHeldAnything) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.reset_to(Offset(70), Term(3)));
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_end(), Offset(70));
  EXPECT_EQ(scene.log->start_term(), Term(3));
}

TEST(Reset, BringsADamagedLogBackIntoService) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  ASSERT_OK(scene.close());
  scene.env->remove(scene.files()[scene.files().size() - 2]);  // the newest .log
  ASSERT_OK(scene.open());
  ASSERT_FALSE(scene.report.damage.empty());
  ASSERT_OK(scene.reset_to(scene.log->log_end() + 10, Term(9)));
  EXPECT_TRUE(scene.log->damage().empty());
  EXPECT_OK(scene.append(3, Term(9)));
  EXPECT_EQ(scene.check(), "");
}

TEST(Reset, RefusesPlacesThatNoLogCanHave) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(3));
  EXPECT_EQ(scene.log->reset_to(Offset(-1), Term(1)).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(scene.log->reset_to(kLargestEnd + 1, Term(1)).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(scene.log->reset_to(Offset(3), Term(-2)).error().code(), Errc::kInvalidArgument);
  EXPECT_EQ(scene.check(), "");
}

// A read that was planned before knows that its bytes are no more.
TEST(Reset, ReadsThatWerePlannedBeforeFindNothingWrong) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(60));
  ASSERT_OK(scene.flush());
  const Offset base = scene.log->segments().back().base;
  const auto read = scene.log->prepare_read(base, 1000, ReadUpTo::kDurable);
  ASSERT_OK(read);
  ASSERT_OK(scene.reset_to(base, Term(1)));
  EXPECT_EQ(read->run().error().code(), Errc::kWouldBlock);
  EXPECT_TRUE(scene.log->damage().empty());
}

// The machine dies at each call in turn: it is the old log with all that was acknowledged, or the
// new one.
TEST(Reset, IsAllOrNothingWhereverThePowerGoes) {
  std::uint64_t old_log = 0;
  std::uint64_t new_log = 0;
  enum class To { kExistingSegment, kInside, kAhead };
  for (const To to : {To::kExistingSegment, To::kInside, To::kAhead}) {
    for (std::uint64_t call = 0; call < 60; ++call) {
      for (const Survives survives :
           {Survives::kNothingUnsynced, Survives::kEverything, Survives::kRandomPart}) {
        LogScene scene(call + 1);
        ASSERT_OK(scene.open());
        ASSERT_OK(scene.append(60, Term(2)));
        ASSERT_OK(scene.flush());
        if (call % 2 == 0) ASSERT_OK(scene.checkpoint());
        const auto segments = scene.log->segments();
        const Offset old_end = scene.log->log_end();
        const Offset start = to == To::kExistingSegment ? segments[segments.size() / 2].base
                             : to == To::kInside        ? segments[1].base + 1
                                                        : old_end + 10;
        scene.env->plan_fault({.fault = fakes::Fault::kKill, .at_call = call});
        static_cast<void>(scene.reset_to(start, Term(5)));
        scene.crash(survives);
        ASSERT_OK(scene.open());
        EXPECT_TRUE(scene.report.damage.empty()) << "call " << call;
        EXPECT_EQ(scene.check(), "") << "call " << call;
        const bool is_new = scene.log->log_start() == start;
        EXPECT_EQ(scene.log->log_end(), is_new ? start : old_end) << "call " << call;
        EXPECT_EQ(scene.log->start_term(), is_new ? Term(5) : Term());
        ++(is_new ? new_log : old_log);
      }
    }
  }
  EXPECT_GT(old_log, 0U);
  EXPECT_GT(new_log, 0U);
}

// --- limits of the caller's, for records that a majority does not hold yet

TEST(CallersLimit, NothingAtOrBehindItIsRead) {
  LogScene scene;
  ASSERT_OK(scene.open());
  append_terms(scene);
  const auto read = scene.log->read(Offset(2), 10'000, Offset(6));
  ASSERT_OK(read);
  EXPECT_EQ(read->next, Offset(6));
  EXPECT_EQ(read->batch_count, 4U);
  EXPECT_EQ(scene.log->read(Offset(6), 10'000, Offset(6))->batch_count, 0U);
  EXPECT_EQ(scene.log->read(Offset(7), 10'000, Offset(6)).error().code(), Errc::kOffsetOutOfRange);
  EXPECT_EQ(scene.log->read(Offset(6), 10'000, kNoLimit)->next, Offset(11));
}

TEST(CallersLimit, HoldsForTimestampsToo) {
  LogScene scene;
  ASSERT_OK(scene.open());
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(scene.append_bytes(make_batch(1, 5, Timestamp(1000 + i))));
  }
  ASSERT_OK(scene.flush());
  EXPECT_EQ((*scene.log->max_timestamp(Offset(3)))->offset, Offset(2));
  EXPECT_FALSE(scene.log->find_timestamp(Timestamp(1003), Offset(3))->has_value());
  EXPECT_EQ((*scene.log->find_timestamp(Timestamp(1003)))->offset, Offset(3));
}

TEST(CallersLimit, RetentionStopsThere) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  ASSERT_OK(scene.flush());
  const auto segments = scene.log->segments();
  ASSERT_GT(segments.size(), 3U);
  scene.options.retention_ms = 1;
  scene.log->set_options(scene.options);
  scene.clock.advance_ms(10'000);
  ASSERT_OK(scene.log->apply_retention(segments[2].base + 1));
  EXPECT_EQ(scene.log->log_start(), segments[2].base);
  ASSERT_OK(scene.log->apply_retention());
  EXPECT_EQ(scene.log->size_bytes(), 0U);
}

TEST(Digest, OfARangeIsTheSameOnReplicasThatBeginElsewhere) {
  LogScene leader;
  LogScene follower;
  follower.options.segment_bytes = 1500;
  ASSERT_OK(leader.open());
  ASSERT_OK(follower.open());
  ASSERT_OK(leader.append(60));
  for (const auto& [base, batch] : leader.appended) ASSERT_OK(follower.log->append_assigned(batch));
  ASSERT_OK(follower.log->flush());
  const auto all = leader.boundaries();
  ASSERT_OK(follower.log->truncate_prefix(all[10]));
  for (std::size_t i = 10; i + 7 < all.size(); i += 3) {
    const auto of_leader = leader.log->digest(all[i], all[i + 7]);
    ASSERT_OK(of_leader);
    EXPECT_EQ(*of_leader, *follower.log->digest(all[i], all[i + 7]));
    EXPECT_NE(*of_leader, *leader.log->digest(all[i], all[i + 6]));
  }
  EXPECT_EQ(*leader.log->digest(all[3], all[3]), 0U);
  EXPECT_EQ(follower.log->digest(all[3], all[12]).error().code(), Errc::kOffsetOutOfRange);
}

}  // namespace
}  // namespace penstock::storage
