#include "archiver/step_observer.h"

namespace penstock::archiver {

std::string_view name(Step step) {
  switch (step) {
    case Step::kManifestTakenOver:
      return "manifest taken over";
    case Step::kLeftoverRemoved:
      return "leftover removed";
    case Step::kSpooled:
      return "spooled";
    case Step::kParquetWritten:
      return "parquet written";
    case Step::kParquetReadBack:
      return "parquet read back";
    case Step::kObjectPut:
      return "object put";
    case Step::kObjectVerified:
      return "object verified";
    case Step::kManifestReplaced:
      return "manifest replaced";
    case Step::kSpoolCleared:
      return "spool cleared";
    case Step::kLossRecorded:
      return "loss recorded";
  }
  return "unknown";
}

Status StepGate::pass(Step step, const std::string& topic, PartitionId partition) {
  if (observer_ == nullptr) return {};
  if (!dead_ && observer_->reached(step, topic, partition) == StepVerdict::kGoOn) return {};
  dead_ = true;
  return fail(Errc::kCancelled, "died at step: " + std::string(name(step)));
}

}  // namespace penstock::archiver
