// Power cuts in the middle of anything: every acknowledged batch is there afterwards, and nothing
// that was not written; and again when the power goes a second time.
#include <gtest/gtest.h>

#include "tests/storage/random_life.h"
#include "tests/storage/seeds.h"

namespace penstock::storage {
namespace {

using fakes::Call;
using fakes::Fault;
using fakes::FaultPlan;
using fakes::Survives;

constexpr std::uint64_t kUsualLives = 5000;
constexpr int kCrashesPerLife = 8;

// Lives until one of its next disk calls goes wrong; mostly that is the machine dying.
void live_until_fault(RandomLife& life) {
  LogScene& scene = life.scene;
  const Fault fault = scene.rng.one_in(3) ? static_cast<Fault>(scene.rng.below(3)) : Fault::kKill;
  scene.env->plan_fault({.fault = fault, .at_call = scene.rng.below(60)});
  while (!scene.env->fault_happened()) {
    if (const Status status = life.step(); !status) break;
  }
  life.forget_tickets();
}

// The machine goes, or only the process.
void die(LogScene& scene) {
  if (scene.rng.one_in(4)) {
    scene.close_handle();
    scene.env->clear_faults();
    return;
  }
  scene.crash(scene.rng.one_in(4) ? static_cast<Survives>(scene.rng.below(3))
                                  : Survives::kRandomPart);
}

std::string reopen(RandomLife& life) {
  LogScene& scene = life.scene;
  if (const Status status = scene.open(); !status) return "open: " + status.error().to_string();
  if (!scene.report.damage.empty()) return "false alarm: " + scene.report.damage.front().reason;
  if (std::string wrong = scene.check(); !wrong.empty()) return wrong;
  return life.compare_terms();
}

std::string live(std::uint64_t seed, std::uint64_t& states) {
  RandomLife life(seed);
  LogScene& scene = life.scene;
  if (const Status status = scene.open(); !status) return status.error().to_string();
  for (int crash = 0; crash < kCrashesPerLife; ++crash) {
    live_until_fault(life);
    const std::string doing = "crash " + std::to_string(crash) + " in " + life.doing() + ": ";
    die(scene);
    ++states;
    if (scene.rng.one_in(2)) {
      // Double crash: it happens again while the log is being recovered.
      scene.env->plan_fault({.fault = Fault::kKill, .at_call = scene.rng.below(30)});
      static_cast<void>(scene.open());
      die(scene);
      ++states;
    }
    if (const std::string wrong = reopen(life); !wrong.empty()) return doing + wrong;
    scene.accept_end();
  }
  return {};
}

TEST(CrashStates, RandomPartsOfWhatWasNotSyncedSurvive) {
  std::uint64_t states = 0;
  std::uint64_t bad = 0;
  for_each_seed(kUsualLives, [&](std::uint64_t seed) {
    const std::string wrong = live(seed, states);
    if (wrong.empty()) return;
    ++bad;
    ADD_FAILURE() << "seed " << seed << ", " << wrong;
  });
  std::printf("CRASHSTATES n=%lu bad=%lu\n", states, bad);
}

}  // namespace
}  // namespace penstock::storage
