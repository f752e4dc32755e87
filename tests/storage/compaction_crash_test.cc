// Random lives of a compacted log, with power cuts in the middle of anything, against a map that
// remembers every record.
#include <gtest/gtest.h>

#include "tests/storage/keyed_scene.h"
#include "tests/storage/seeds.h"

namespace penstock::storage {
namespace {

using fakes::Fault;
using fakes::Survives;

constexpr std::uint64_t kUsualLives = 1000;
constexpr int kStepsPerLife = 400;

struct Totals {
  std::uint64_t violations = 0;
  std::uint64_t crashes = 0;
  std::uint64_t passes = 0;
  std::uint64_t stale = 0;
  CompactionFigures figures;
};

class Life {
 public:
  explicit Life(std::uint64_t seed) : scene(seed) {}

  // What is wrong, as text.
  std::string live(Totals& totals) {
    if (const Status status = scene.open(); !status) return status.error().to_string();
    std::string wrong;
    for (int i = 0; i < kStepsPerLife && wrong.empty(); ++i) {
      wrong = scene.rng.one_in(50) ? crash(totals) : step();
      if (wrong.empty() && scene.rng.one_in(8)) wrong = scene.check();
      if (!wrong.empty()) wrong = "step " + std::to_string(i) + ", " + doing_ + ": " + wrong;
    }
    totals.passes += scene.passes_done;
    totals.stale += scene.passes_stale;
    totals.figures.records_superseded += scene.figures.records_superseded;
    totals.figures.tombstones_removed += scene.figures.tombstones_removed;
    totals.figures.segments_replaced += scene.figures.segments_replaced;
    return wrong;
  }

  KeyedScene scene;

 private:
  // An error is what the log answered: none without a fault on the disk.
  std::string step() {
    const Status status = act();
    if (status) return std::exchange(read_, {});
    return status.error().to_string();
  }

  Status act() {
    Rng& rng = scene.rng;
    const std::uint64_t draw = rng.below(100);
    if (draw < 30) {
      doing_ = "append";
      return scene.append_random();
    }
    if (draw < 38) {
      doing_ = "flush";
      return scene.flush();
    }
    if (draw < 45) {
      doing_ = "checkpoint";
      return scene.checkpoint();
    }
    if (draw < 80) return compact();
    if (draw < 88) {
      doing_ = "read on";
      read_ = scene.read_on();
      return {};
    }
    if (draw < 91) {
      doing_ = "seal";
      return scene.log->seal();
    }
    if (draw < 95) {
      doing_ = "let time pass";
      scene.clock.advance_ms(static_cast<std::int64_t>(rng.below(2 * kTombstoneDelayMs)));
      return {};
    }
    if (draw < 96) {
      doing_ = "cut what is not committed";
      return cut_tail();
    }
    if (draw < 97) {
      doing_ = "raise the log start";
      return raise_start();
    }
    if (draw < 98 && rng.one_in(2)) {
      doing_ = "cut at damage";
      const auto all = scene.boundaries();
      return scene.cut_at_damage(all[rng.below(all.size())]);
    }
    doing_ = "close and open";
    PENSTOCK_TRY(scene.close());
    return scene.open();
  }

  Status compact() {
    if (!scene.has_pass()) {
      doing_ = "begin a pass";
      CompactionRequest request = scene.request();
      request.map_bytes = scene.rng.one_in(3) ? scene.rng.below(400) : 100'000;
      request.piece_bytes = 1 + scene.rng.below(4000);
      request.hash_seed = scene.rng.next();
      if (scene.rng.one_in(4)) request.min_lag_ms = 20;
      return scene.begin_pass(request);
    }
    if (!scene.has_run()) {
      doing_ = "run a piece of a pass";
      scene.run_pass();
      return {};
    }
    doing_ = "complete a piece of a pass";
    const auto progress = scene.complete_pass();
    return progress ? Status() : fail(progress.error());
  }

  Status cut_tail() {
    std::vector<Offset> open;
    for (const Offset offset : scene.boundaries()) {
      if (offset >= scene.acknowledged) open.push_back(offset);
    }
    if (open.empty()) return {};
    return scene.truncate_suffix(open[scene.rng.below(open.size())]);
  }

  Status raise_start() {
    const auto all = scene.boundaries();
    const Offset to = all[scene.rng.below(all.size()) / 2];
    return to <= scene.acknowledged ? scene.truncate_prefix(to) : Status();
  }

  // The machine goes, or only the process, at one of the next calls to the disk; or the disk fails.
  std::string crash(Totals& totals) {
    Rng& rng = scene.rng;
    const Fault fault = rng.one_in(3) ? static_cast<Fault>(rng.below(3)) : Fault::kKill;
    scene.env->plan_fault({.fault = fault, .at_call = rng.below(40)});
    for (int i = 0; i < 200 && !scene.env->fault_happened(); ++i) {
      const std::string wrong = step();
      if (!wrong.empty()) {
        if (!scene.env->fault_happened()) return wrong;
        break;
      }
    }
    doing_ = "crash in " + doing_;
    ++totals.crashes;
    die();
    if (rng.one_in(2)) {
      ++totals.crashes;
      scene.env->plan_fault({.fault = Fault::kKill, .at_call = rng.below(30)});
      static_cast<void>(scene.open());
      die();
    }
    if (const Status status = scene.open(); !status) return "open: " + status.error().to_string();
    if (!scene.report.damage.empty()) return "false alarm: " + scene.report.damage.front().reason;
    if (std::string wrong = scene.check(); !wrong.empty()) return wrong;
    scene.accept_end();
    const Status refilled = scene.refill();
    return refilled ? scene.check() : refilled.error().to_string();
  }

  void die() {
    scene.forget_pass();
    if (scene.rng.one_in(4)) {
      scene.close_handle();
      scene.env->clear_faults();
      return;
    }
    scene.crash(scene.rng.one_in(4) ? static_cast<Survives>(scene.rng.below(3))
                                    : Survives::kRandomPart);
  }

  std::string doing_;
  std::string read_;
};

TEST(CompactionCrash, RandomLivesKeepWhatEveryReaderNeeds) {
  Totals totals;
  std::uint64_t seeds = 0;
  for_each_seed(kUsualLives, [&](std::uint64_t seed) {
    ++seeds;
    const std::string wrong = Life(seed).live(totals);
    if (wrong.empty()) return;
    ++totals.violations;
    ADD_FAILURE() << "seed " << seed << ", " << wrong;
  });
  std::printf(
      "COMPACTION seeds=%lu violations=%lu crashes=%lu passes=%lu stale=%lu superseded=%lu "
      "tombstones=%lu replaced=%lu\n",
      seeds, totals.violations, totals.crashes, totals.passes, totals.stale,
      totals.figures.records_superseded, totals.figures.tombstones_removed,
      totals.figures.segments_replaced);
  if (seeds < kUsualLives) return;
  EXPECT_GT(totals.figures.tombstones_removed, 0U);
  EXPECT_GT(totals.stale, 0U);
}

}  // namespace
}  // namespace penstock::storage
