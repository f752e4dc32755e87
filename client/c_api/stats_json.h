// Statistics as JSON objects, named as in the C++ headers.
//
// Threads: pure functions. Lifetime: the caller frees the text (std::free).
#pragma once

#include "client/consumer.h"
#include "client/group_consumer.h"
#include "client/producer.h"

namespace penstock::c_api {

char* to_json(const client::ProducerStats& stats);
char* to_json(const client::ConsumerStats& stats);
char* to_json(const client::GroupStats& stats);

}  // namespace penstock::c_api
