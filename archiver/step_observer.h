// StepObserver: told of every step that changes what a crash would leave behind; a test lets the
// worker die there.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace penstock::archiver {

// In the order in which a chunk goes through them; the first two happen when a partition is taken
// over, the last when retention was faster than the archive.
enum class Step {
  kManifestTakenOver,
  kLeftoverRemoved,
  kSpooled,
  kParquetWritten,
  kParquetReadBack,
  kObjectPut,
  kObjectVerified,
  kManifestReplaced,
  kSpoolCleared,
  kLossRecorded,
};
inline constexpr int kSteps = 10;
std::string_view name(Step step);

enum class StepVerdict { kGoOn, kDie };

class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual StepVerdict reached(Step step, const std::string& topic, PartitionId partition) = 0;
};

// Passes steps to an observer, if there is one, and remembers that it let the worker die.
class StepGate {
 public:
  explicit StepGate(StepObserver* observer) : observer_(observer) {}

  // kCancelled: the caller returns at once and touches nothing more.
  Status pass(Step step, const std::string& topic, PartitionId partition);
  bool dead() const { return dead_; }

 private:
  StepObserver* observer_;
  bool dead_ = false;
};

}  // namespace penstock::archiver
