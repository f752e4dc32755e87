// Records for the tests of this folder: made at random from a seed, read back, and printed when two
// of them differ.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/random.h"
#include "protocol/record/batch.h"
#include "protocol/record/builder.h"
#include "protocol/record/record.h"

namespace penstock::record {

inline constexpr Codec kAllCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4,
                                       Codec::kZstd};

Bytes bytes_of(std::string_view text);
// `size` bytes that no codec can shrink.
Bytes noise(Rng& rng, std::size_t size);
// `size` bytes like those of event data: repetitive, but not constant.
Bytes prose(Rng& rng, std::size_t size);

// A record with, at random: null, empty or filled key and value, up to four headers, and a
// timestamp that may be before its predecessor's.
Record random_record(Rng& rng);
// 1 to `max_count` of them.
std::vector<Record> random_records(Rng& rng, std::size_t max_count);

// A batch of `records`; aborts the test program when it cannot be built.
Bytes build_batch(const std::vector<Record>& records, BuilderOptions options = {});

// Makes length field and checksum fit the bytes again, after a test changed them.
void reseal(Bytes& batch);

// What a consumer sees: parse, verify, iterate to the end.
struct ReadBack {
  std::vector<Record> records;
  std::vector<std::int64_t> offsets;
};
Result<ReadBack> read_back(ByteView batch, const DecompressLimits& limits = {});

// For failure messages of gtest.
void PrintTo(const Record& record, std::ostream* out);

}  // namespace penstock::record
