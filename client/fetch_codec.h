// Fetch requests and answers between the consumer's core and the wire.
#pragma once

#include <vector>

#include "client/consumer_core.h"
#include "protocol/wire/data.pb.h"

namespace penstock::client {

wire::v1::FetchRequest to_wire(const FetchPlan& plan, const ConsumerConfig& config);

struct FetchAnswer {
  std::vector<FetchedPart> parts;      // one for each part of the plan
  std::vector<SharedBytes> batches;    // of each part: a slice of the attachment, not a copy
  std::vector<std::uint64_t> records;  // of each part
};

// Looks through each part's batches: what is damaged or malformed is an error of that part.
// kBadFrame when the answer as a whole does not fit the plan.
Result<FetchAnswer> answer_from_wire(const FetchPlan& plan, const wire::v1::FetchResponse& response,
                                     const SharedBytes& attachment);

}  // namespace penstock::client
