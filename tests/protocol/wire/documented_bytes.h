// The hex examples of docs/protocol.md as bytes, so that a test can hold the document to the code.
//
// Format: a fenced block whose fence reads ```hex NAME; on each line hex pairs, then '|' and a
// comment.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace penstock::wire {

// The bytes of block `name`. Aborts the test program when there is no such block or it is not hex:
// the test cannot mean anything.
Bytes documented_bytes(const std::string& name);

// The lines of a document under the source tree's docs/.
std::vector<std::string> document_lines(const std::string& file);

}  // namespace penstock::wire
