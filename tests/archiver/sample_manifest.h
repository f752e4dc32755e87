// A manifest with everything in it: chunks, one of them without records, and a lost range.
#pragma once

#include "archiver/manifest.h"

namespace penstock::archiver {

inline Manifest sample_manifest() {
  Manifest manifest;
  manifest.topic = "orders";
  manifest.topic_id = *Uuid::parse("00112233445566778899aabbccddeeff");
  manifest.partition = PartitionId(3);
  manifest.generation = 2;
  manifest.start = Offset(100);
  manifest.chunks = {{.object = "orders/3/2024/05/17/09/00000000000000000149.parquet",
                      .base = Offset(100),
                      .end = Offset(150),
                      .records = 49,
                      .min_timestamp = Timestamp(-1),
                      .max_timestamp = Timestamp(1'715'936'400'000),
                      .hash_sum = {.low = 0x0123456789abcdef, .high = 0xfedcba9876543210},
                      .size_bytes = 4'321,
                      .object_hash = {.low = 1, .high = 2},
                      .closed_at = Timestamp(1'715'936'401'000)},
                     {.object = "orders/3/2024/05/17/10/00000000000000000160.parquet",
                      .base = Offset(160),
                      .end = Offset(161),
                      .records = 0,
                      .min_timestamp = std::nullopt,
                      .max_timestamp = std::nullopt,
                      .hash_sum = {},
                      .size_bytes = 700,
                      .object_hash = {.low = 3, .high = 4},
                      .closed_at = Timestamp(1'715'940'000'000)}};
  manifest.lost = {
      {.base = Offset(150), .end = Offset(160), .noticed_at = Timestamp(1'715'939'000'000)}};
  return manifest;
}

}  // namespace penstock::archiver
