// Batches from testdata/: .hex files hold hex digits and #-comments, .bin files the bytes.
#pragma once

#include <string>

#include "base/bytes.h"

namespace penstock::record {

// Aborts the test program when the file is missing or is not hex: the test cannot mean anything.
Bytes golden(const std::string& file);

}  // namespace penstock::record
