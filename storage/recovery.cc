#include "storage/recovery.h"

#include "storage/compacted_segment.h"
#include "storage/recovery_full_scan.h"
#include "storage/recovery_plan.h"
#include "storage/recovery_sealed.h"
#include "storage/recovery_site.h"
#include "storage/recovery_tail.h"

namespace penstock::storage {
namespace {

Status carry_out(RecoverySite& site) {
  switch (site.plan.kind) {
    case RecoveryKind::kFresh:
      return {};
    case RecoveryKind::kFullScan:
      return scan_everything(site);
    case RecoveryKind::kFromCheckpoint:
      PENSTOCK_TRY(open_sealed_segments(site));
      PENSTOCK_TRY(recover_tail(site));
      site.out.report.clean_shutdown = site.plan.skip_tail_scan;
      return {};
  }
  return {};
}

}  // namespace

Result<Recovered> recover(Env& env, const Clock& clock, const std::string& dir,
                          const LogIdentity& identity, std::uint64_t run_bytes) {
  RecoverySite site(env, clock, dir, identity, run_bytes);
  PENSTOCK_TRY(settle_compaction(env, dir, site.out.report.notes));
  PENSTOCK_TRY(site.survey());
  PENSTOCK_TRY(site.read_checkpoint());
  std::optional<Checkpoint> checkpoint;
  if (site.out.newest) {
    checkpoint = site.out.newest->checkpoint;
    site.out.start_term = checkpoint->start_term;
  }
  site.plan = plan_recovery(checkpoint, site.found);
  site.out.log_start = site.plan.log_start;
  for (auto& range : site.plan.missing) site.add_damage(std::move(range));
  const bool removes_segments =
      !site.plan.expired.empty() ||
      (!site.plan.complete.empty() && site.plan.complete.front() < site.plan.log_start);
  if (checkpoint && (!site.plan.skip_tail_scan || removes_segments)) {
    PENSTOCK_TRY(site.confirm_checkpoint());
  }
  PENSTOCK_TRY(carry_out(site));
  site.forget_damage_below_start();
  return std::move(site.out);
}

}  // namespace penstock::storage
