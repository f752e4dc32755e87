// Takes a batch that is too large apart into two.
#pragma once

#include <utility>

#include "client/batch.h"

namespace penstock::client {

// The first and the second half of the records, re-encoded with the batch's codec, each with the
// history of the whole; together they are what the batch was. Precondition: two records or more.
Result<std::pair<Batch, Batch>> split(Batch batch);

}  // namespace penstock::client
