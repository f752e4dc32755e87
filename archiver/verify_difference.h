// Finds which records make two copies of an offset range differ (pure).
#pragma once

#include <cstdint>
#include <vector>

#include "archiver/verify.h"
#include "base/types.h"
#include "protocol/record/record.h"

namespace penstock::archiver {

struct HashedRecord {
  Offset offset;
  record::Hash128 hash;
};

// The findings of one range in order of their offsets: exact, none twice.
//   log {5, 6, 7}, archive {5, 7, 7'}: 6 is lost; 7 is duplicated, whatever 7' holds.
//   log {5}, archive {5'}: 5 is altered.
// Each copy may come in any order; the log holds an offset once.
std::vector<Finding> find_differences(PartitionId partition, std::vector<HashedRecord> log,
                                      std::vector<HashedRecord> archive);

}  // namespace penstock::archiver
