// Recovery below the watermark: sealed segments, which are complete or damaged.
//
// Invariants: nothing here is cut or written over; what is missing or contradicts its seal is
// reported as damage. Only segments that lie wholly below the log start are removed.
#pragma once

#include "base/result.h"
#include "storage/recovery_site.h"
#include "storage/segment.h"

namespace penstock::storage {

// Opens the segments of plan.complete; reads no more than their seals unless one is bad.
Status open_sealed_segments(RecoverySite& site);

// Reports what of `segment` is lost when its .log ends at `bytes`, before what its side file or the
// watermark speaks of.
Status report_shortened(RecoverySite& site, Segment& segment, std::uint64_t bytes);

}  // namespace penstock::storage
