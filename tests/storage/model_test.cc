// Random lives of a log against a map that remembers everything.
#include <gtest/gtest.h>

#include "tests/storage/random_life.h"
#include "tests/storage/seeds.h"

namespace penstock::storage {
namespace {

using fakes::Survives;

constexpr std::uint64_t kUsualLives = 1500;
constexpr int kSteps = 220;

// One life; what went wrong, as text.
std::string live(std::uint64_t seed, std::uint64_t& operations) {
  RandomLife life(seed);
  LogScene& scene = life.scene;
  if (const Status status = scene.open(); !status) return status.error().to_string();
  for (int step = 0; step < kSteps; ++step) {
    ++operations;
    std::string wrong;
    if (scene.rng.one_in(15)) {
      life.forget_tickets();
      const auto survives = static_cast<Survives>(scene.rng.below(3));
      if (scene.rng.one_in(3)) {
        scene.close_handle();  // only the process dies
      } else {
        scene.crash(survives);
      }
      if (const Status status = scene.open(); !status) return status.error().to_string();
      wrong = scene.check();
      if (!scene.report.damage.empty()) wrong = "damage: " + scene.report.damage.front().reason;
      scene.accept_end();
      if (wrong.empty()) wrong = life.compare_terms();
      if (!wrong.empty()) wrong = "after a crash: " + wrong;
    } else if (const Status status = life.step(); !status) {
      wrong = life.doing() + ": " + status.error().to_string();
    } else if (scene.rng.one_in(6)) {
      wrong = scene.check();
      if (wrong.empty()) wrong = life.compare_lookups();
      if (!wrong.empty()) wrong = "after " + life.doing() + ": " + wrong;
    }
    if (!wrong.empty()) return "step " + std::to_string(step) + ": " + wrong;
  }
  return {};
}

TEST(LogModel, RandomLivesAgreeWithTheMap) {
  std::uint64_t operations = 0;
  std::uint64_t mismatches = 0;
  for_each_seed(kUsualLives, [&](std::uint64_t seed) {
    const std::string wrong = live(seed, operations);
    if (wrong.empty()) return;
    ++mismatches;
    ADD_FAILURE() << "seed " << seed << ", " << wrong;
  });
  std::printf("LOGMODEL ops=%lu mismatches=%lu\n", operations, mismatches);
}

}  // namespace
}  // namespace penstock::storage
