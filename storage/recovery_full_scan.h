// Recovery without a checkpoint: every segment is read, and only the very end of the last one may
// be a torn tail.
//
// Invariants: bytes that something valid follows, in the same segment or a later one, or that an
// intact side file speaks of, were flushed once: they are damage when they are bad, and stay.
#pragma once

#include "base/result.h"
#include "storage/recovery_site.h"

namespace penstock::storage {

Status scan_everything(RecoverySite& site);

}  // namespace penstock::storage
