// One call of the operating system fails, each in turn and in each way: what was acknowledged is
// there afterwards, what was refused is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

using fakes::Fault;
using fakes::FaultPlan;
using fakes::Survives;

// The batch boundary at that part of the log.
Offset boundary(const LogScene& scene, std::size_t numerator, std::size_t denominator) {
  const auto all = scene.boundaries();
  return all[(all.size() - 1) * numerator / denominator];
}

Offset last_base(const LogScene& scene) {
  const auto segments = scene.log->segments();
  return segments.empty() ? scene.log->log_end() : segments.back().base;
}

// One that the log takes whatever came before.
Term next_term(const LogScene& scene) { return std::max(Term(1), scene.log->last_epoch()); }

// What a log does in its life, in a fixed order; goes on after errors, as a server would.
void fixed_life(LogScene& scene) {
  const auto go = [&](auto act) {
    if (scene.log != nullptr) static_cast<void>(act());
  };
  static_cast<void>(scene.open());
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 6; ++i) {
      go([&] { return scene.append(3); });
      go([&] { return scene.flush(); });
    }
    go([&] { return scene.checkpoint(); });
    go([&] { return scene.append(4); });
  }
  go([&] { return scene.truncate_suffix(boundary(scene, 3, 4)); });
  go([&] { return scene.append(3); });
  go([&] { return scene.truncate_suffix(boundary(scene, 1, 2)); });
  go([&] { return scene.append(12); });
  go([&] { return scene.flush(); });
  go([&] {
    return scene.truncate_prefix(std::max(scene.log->log_start(), scene.log->durable_end() - 20));
  });
  scene.options.retention_bytes = 4000;
  go([&] {
    scene.log->set_options(scene.options);
    return scene.retain();
  });
  go([&] { return scene.append(3); });
  go([&] { return scene.append(8, Term(2)); });
  go([&] { return scene.flush(); });
  // Onto a segment that is there, then ahead of all.
  go([&] { return scene.reset_to(last_base(scene), Term(1)); });
  go([&] { return scene.append(5, Term(3)); });
  go([&] { return scene.flush(); });
  go([&] { return scene.reset_to(scene.log->log_end() + 100, Term(4)); });
  go([&] { return scene.append(4, Term(4)); });
  go([&] { return scene.close(); });
  if (scene.log != nullptr) scene.close_handle();
  static_cast<void>(scene.open());
  go([&] { return scene.append(2, next_term(scene)); });
  go([&] { return scene.flush(); });
}

std::string outcome(LogScene& scene) {
  if (const Status status = scene.open(); !status) return "open: " + status.error().to_string();
  if (!scene.report.damage.empty()) return "false alarm: " + scene.report.damage.front().reason;
  if (std::string wrong = scene.check(); !wrong.empty()) return wrong;
  scene.accept_end();
  if (const Status status = scene.append(2, next_term(scene)); !status)
    return status.error().to_string();
  if (const Status status = scene.flush(); !status) return status.error().to_string();
  scene.crash(Survives::kNothingUnsynced);
  if (const Status status = scene.open(); !status) return "again: " + status.error().to_string();
  return scene.check();
}

TEST(SystemFaults, EachCallInTurnFailsInEachWay) {
  std::uint64_t calls = 0;
  {
    LogScene scene;
    scene.env->reset_calls();
    fixed_life(scene);
    calls = scene.env->calls();
  }
  std::uint64_t points = 0;
  std::uint64_t survived = 0;
  std::uint64_t silent = 0;
  for (const Fault fault : {Fault::kIoError, Fault::kDiskFull, Fault::kShortWrite, Fault::kKill}) {
    for (std::uint64_t k = 0; k < calls; ++k) {
      for (const std::optional<Survives> survives : std::initializer_list<std::optional<Survives>>{
               std::nullopt, Survives::kNothingUnsynced, Survives::kRandomPart}) {
        LogScene scene(k + 1);
        scene.env->plan_fault({.fault = fault, .at_call = k});
        fixed_life(scene);
        // Either the process ends, or the machine.
        scene.close_handle();
        scene.env->clear_faults();
        if (survives) scene.crash(*survives);
        ++points;
        const std::string wrong = outcome(scene);
        if (wrong.empty()) {
          ++survived;
          continue;
        }
        ++silent;
        if (silent < 10) {
          ADD_FAILURE() << "fault " << static_cast<int>(fault) << " at call " << k << ", then "
                        << (survives ? static_cast<int>(*survives) : -1) << ": " << wrong;
        }
      }
    }
  }
  std::printf("SYSFAULT points=%lu survived=%lu silent=%lu\n", points, survived, silent);
  EXPECT_EQ(silent, 0U);
}

}  // namespace
}  // namespace penstock::storage
