// RecoverySite: the folder of one log while it is recovered: what lies in it, what is planned, and
// what has become of it so far. The parts of recovery work on it one after the other.
//
// Invariants: `plan` is made once, of `found` and the newest checkpoint; `out` only grows, and
// holds segments in the order of their offsets. Nothing here decides: that is recovery_plan.h and
// the parts. Failure: kForeignData for another partition's or version's files, and what the disk
// says. Threads: one. Internal to storage/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "storage/index_loader.h"
#include "storage/recovery.h"
#include "storage/recovery_plan.h"
#include "storage/segment.h"
#include "storage/segment_index.h"
#include "storage/segment_name.h"

namespace penstock::storage {

struct RecoverySite {
  RecoverySite(Env& env, const Clock& clock, const std::string& dir, const LogIdentity& identity,
               std::uint64_t run_bytes);

  // --- looking
  Status survey();           // fills `found`
  Status read_checkpoint();  // fills out.newest, if there is one to believe
  // The header of a segment's side file; none when there is none to believe.
  Result<std::optional<IndexHeader>> read_index_header(Offset base);
  std::string path(Offset base, SegmentFile kind) const {
    return dir + "/" + segment_file_name(base, kind);
  }
  // Where the runs of a segment come from, up to the beginning of `end`.
  IndexSource index_source(const Segment& segment, const Run& end) const;

  // --- reporting
  void add_damage(RecoveryReport::Damage damage) { out.report.damage.push_back(std::move(damage)); }
  void note(std::string text) { out.report.notes.push_back(std::move(text)); }
  void note_shadowed(Offset base);  // a segment whose offsets another one holds
  void forget_damage_below_start();

  // --- changing the disk; done when it returns
  // Writes the newest checkpoint once more, as it is.
  Status confirm_checkpoint();
  // Removes segments; adds the size of their logs to `bytes` if it is given.
  Status remove(const std::vector<Offset>& bases, std::uint64_t* bytes);
  // Ends the .log where `segment` ends.
  Status cut_log(Segment& segment);
  // Ends the .idx where `segment` says that its entries end.
  Status cut_index(const Segment& segment);

  Env& env;
  const Timestamp now;
  const std::string& dir;
  const LogIdentity& identity;
  const std::uint64_t run_bytes;

  std::vector<FoundSegment> found;  // ascending
  RecoveryPlan plan;
  Recovered out;

 private:
  Status check_owner(const LogIdentity& owner, const std::string& path) const;
};

// How to keep runs that were made anew.
inline Runs kind_of(const std::vector<RebuiltRuns::Gap>& gaps) {
  return gaps.empty() ? Runs::kWhole : Runs::kWithGaps;
}

}  // namespace penstock::storage
