// One pair of functions a codec, behind compress() and decompress() of codec.h.
//
// Failure: kInvalidBatch for malformed input, kDecompressionLimit from the output. `input` is never
// empty for the readers, and at most kMaxBatchBytes for both. Internal to protocol/record.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "protocol/record/bounded_output.h"

namespace penstock::record {

Status gzip_compress(ByteView input, Bytes& out);
Status gzip_decompress(ByteView input, BoundedOutput& out);

Status snappy_compress(ByteView input, Bytes& out);
Status snappy_decompress(ByteView input, BoundedOutput& out);

Status lz4_compress(ByteView input, Bytes& out);
Status lz4_decompress(ByteView input, BoundedOutput& out);

Status zstd_compress(ByteView input, Bytes& out);
Status zstd_decompress(ByteView input, BoundedOutput& out);

}  // namespace penstock::record
