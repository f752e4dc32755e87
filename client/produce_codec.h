// Produce requests and answers between the producer's core and the wire.
#pragma once

#include <chrono>
#include <vector>

#include "client/producer_core.h"
#include "protocol/wire/data.pb.h"

namespace penstock::client {

wire::v1::ProduceRequest to_wire(const ProduceCall& call, Durability durability,
                                 std::chrono::milliseconds timeout);

// The batches of a call in the order of its parts: what goes behind the message. Shared, not
// copied.
std::vector<SharedBytes> attachment_of(const ProduceCall& call);

// One answer for each part of the request that the broker answered.
std::vector<PartAnswer> answers_from_wire(const wire::v1::ProduceResponse& response);

}  // namespace penstock::client
