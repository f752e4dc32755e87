// The worker dies at every step and at every change that it makes to a file; the next one goes on
// without gap, overlap or duplicate.
#include <gmock/gmock.h>

#include <set>

#include "archiver/limits.h"
#include "tests/archiver/archive_fixture.h"
#include "tests/archiver/fault_env.h"

namespace penstock::archiver {
namespace {

using ::testing::IsSubsetOf;

// Lets the worker die the n-th time that it reaches a step.
class DieAt final : public StepObserver {
 public:
  DieAt(Step step, int times) : step_(step), left_(times) {}
  StepVerdict reached(Step step, const std::string&, PartitionId) override {
    seen_.insert(step);
    if (step != step_ || --left_ > 0) return StepVerdict::kGoOn;
    died_ = true;
    return StepVerdict::kDie;
  }
  bool died() const { return died_; }
  const std::set<Step>& seen() const { return seen_; }

 private:
  Step step_;
  int left_;
  bool died_ = false;
  std::set<Step> seen_;
};

class ArchiveKillTest : public ArchiveFixture {
 protected:
  static constexpr const char* kTopic = "orders";

  ArchiveKillTest() { log_.create(kTopic, 2); }

  void produce(std::uint64_t seed) {
    Rng rng(seed);
    for (int i = 0; i < 6; ++i) {
      log_.append(kTopic, static_cast<std::int32_t>(rng.below(2)),
                  any_records(rng, 1 + rng.below(9)),
                  rng.one_in(2) ? record::Codec::kZstd : record::Codec::kNone);
    }
    log_.append_control(kTopic, static_cast<std::int32_t>(rng.below(2)));
  }

  WorkerOptions small_chunks() const {
    WorkerOptions small = options();
    small.roll.max_records = 10;
    small.mode = RunMode::kOnce;
    return small;
  }

  // A worker on files that may fail, until it is done, dead or stuck. Returns whether it finished.
  bool run_on(Env& env, LocalObjectStore& store) {
    const WorkerParts parts{
        .source = log_,
        .store = store,
        .env = env,
        .clock = clock_,
        .pause = [this](std::chrono::milliseconds pause) { clock_.advance_ms(pause.count()); },
        .observer = nullptr};
    auto worker = ArchiveWorker::open(parts, small_chunks());
    // At its start a worker does not wait; whoever starts it does.
    if (!worker) worker = ArchiveWorker::open(parts, small_chunks());
    if (!worker) return false;
    for (int i = 0; i < 60 && !(*worker)->finished(); ++i) {
      if (!(*worker)->step()) return false;
      clock_.advance_ms(kMaxRetryMs);
    }
    return (*worker)->finished();
  }

  void add(Continuity& sum) {
    for (int partition = 0; partition < 2; ++partition) {
      const Continuity one = continuity(kTopic, partition);
      sum.objects += one.objects;
      sum.gaps += one.gaps;
      sum.overlaps += one.overlaps;
      sum.hash_mismatch += one.hash_mismatch;
      sum.missing_records += one.missing_records;
      EXPECT_EQ(manifest(kTopic, partition).end(), log_.end(kTopic, partition));
    }
  }

  // Nothing but objects that a manifest names is left in the archive.
  std::size_t unreferenced() {
    std::size_t named = 0;
    for (int partition = 0; partition < 2; ++partition) {
      named += manifest(kTopic, partition).chunks.size();
    }
    return objects().size() - named;
  }

  static void expect_continuous(const Continuity& sum) {
    EXPECT_EQ(sum.gaps, 0U);
    EXPECT_EQ(sum.overlaps, 0U);
    EXPECT_EQ(sum.hash_mismatch, 0U);
    EXPECT_EQ(sum.missing_records, 0U);
  }
};

TEST_F(ArchiveKillTest, DiesAtEveryStepAndTheNextWorkerGoesOn) {
  int kills = 0;
  std::set<Step> reached;
  for (int step = 0; step < kSteps; ++step) {
    for (int times = 1; times <= 3; ++times) {
      produce(static_cast<std::uint64_t>(100 * step + times));
      DieAt observer(static_cast<Step>(step), times);
      auto worker = open_worker(small_chunks(), &observer).value();
      const auto run = worker->run();
      EXPECT_EQ(run.has_value(), !observer.died());
      kills += observer.died() ? 1 : 0;
      reached.insert(observer.seen().begin(), observer.seen().end());
      worker.reset();
      archive_once();
      EXPECT_EQ(unreferenced(), 0U) << name(static_cast<Step>(step));
    }
  }
  Continuity sum;
  add(sum);
  expect_continuous(sum);
  EXPECT_THAT((std::set<Step>{Step::kManifestTakenOver, Step::kSpooled, Step::kParquetWritten,
                              Step::kParquetReadBack, Step::kObjectPut, Step::kObjectVerified,
                              Step::kManifestReplaced, Step::kSpoolCleared}),
              IsSubsetOf(reached));
  std::printf("ARCHIVE kills=%d objects=%llu gaps=%llu overlaps=%llu hash_mismatch=%llu\n", kills,
              static_cast<unsigned long long>(sum.objects),
              static_cast<unsigned long long>(sum.gaps),
              static_cast<unsigned long long>(sum.overlaps),
              static_cast<unsigned long long>(sum.hash_mismatch + sum.missing_records));
}

// Dies again while it cleans up after a death.
TEST_F(ArchiveKillTest, DiesTwiceAndTheThirdWorkerGoesOn) {
  for (const Step second : {Step::kManifestTakenOver, Step::kLeftoverRemoved, Step::kSpooled,
                            Step::kObjectPut, Step::kManifestReplaced}) {
    produce(static_cast<std::uint64_t>(second) + 1);
    DieAt after_put(Step::kObjectPut, 1);
    EXPECT_FALSE(open_worker(small_chunks(), &after_put).value()->run().has_value());
    DieAt again(second, 1);
    EXPECT_FALSE(open_worker(small_chunks(), &again).value()->run().has_value()) << name(second);
    archive_once();
    EXPECT_EQ(unreferenced(), 0U);
  }
  Continuity sum;
  add(sum);
  expect_continuous(sum);
}

TEST_F(ArchiveKillTest, DiesWhileItRecordsALoss) {
  produce(1);
  archive_once();
  const Offset archived = manifest(kTopic, 0).end();
  produce(2);
  produce(3);
  log_.remove_before(kTopic, 0, archived + 3);
  DieAt loss(Step::kLossRecorded, 1);
  EXPECT_FALSE(open_worker(small_chunks(), &loss).value()->run().has_value());
  archive_once();
  const Manifest manifest_0 = manifest(kTopic, 0);
  EXPECT_EQ(manifest_0.lost_offsets(), 3) << "recorded once";
  EXPECT_EQ(manifest_0.end(), log_.end(kTopic, 0));
}

// Every operation on files, the store's included, is where the process may die or the disk may be
// full once.
TEST_F(ArchiveKillTest, AFaultAtEveryChangeOfAFileLosesNothing) {
  FaultEnv env(posix_env());
  auto store = LocalObjectStore::open(env, folder_).value();
  std::uint64_t faults = 0;
  for (const FaultKind kind : {FaultKind::kDie, FaultKind::kDiskFull, FaultKind::kIoError}) {
    std::uint64_t at = 0;
    while (true) {
      produce(1'000 * static_cast<std::uint64_t>(kind) + at + 5);
      env.plan(at, kind);
      const bool finished = run_on(env, *store);
      const bool met = env.met();
      env.plan(FaultEnv::kNever, kind);
      if (kind == FaultKind::kDiskFull && met) {
        EXPECT_TRUE(finished) << "a full disk is waited for, change " << at;
      }
      EXPECT_TRUE(run_on(env, *store)) << "after a fault at change " << at;
      EXPECT_EQ(unreferenced(), 0U) << "after a fault at change " << at;
      if (!met) break;
      ++faults;
      // Early changes are taken one by one; the later ones repeat chunk by chunk.
      at += at < 80 ? 1 : 7;
    }
  }
  Continuity sum;
  add(sum);
  expect_continuous(sum);
  EXPECT_GT(faults, 100U);
  std::printf("ARCHIVE faults=%llu objects=%llu gaps=%llu overlaps=%llu hash_mismatch=%llu\n",
              static_cast<unsigned long long>(faults), static_cast<unsigned long long>(sum.objects),
              static_cast<unsigned long long>(sum.gaps),
              static_cast<unsigned long long>(sum.overlaps),
              static_cast<unsigned long long>(sum.hash_mismatch + sum.missing_records));
}

}  // namespace
}  // namespace penstock::archiver
