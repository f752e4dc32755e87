// Recovery at the watermark and beyond it: where the log ends now.
//
// Invariants: what lies below the watermark is never cut. Beyond it batches count as long as they
// follow each other, through later segments too; they are written once more and synced before they
// count as durable. The rest was never acknowledged and goes. When the watermark's own bytes are
// not all there, the end is not certain, and nothing is cut.
#pragma once

#include "base/result.h"
#include "storage/recovery_site.h"

namespace penstock::storage {

// Goes on from the watermark of the newest checkpoint, behind what open_sealed_segments() opened.
Status recover_tail(RecoverySite& site);

}  // namespace penstock::storage
