// The order in which brokers are asked for what any of them can answer.
//
// Each question begins with the next broker in turn: one that is cut off from the others, and
// answers with what was true a minute ago, must not be asked for ever. Those that could not be
// reached, or were silent, come last. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "client/instant.h"

namespace penstock::client {

// What is known of the way to one broker.
struct BrokerWay {
  bool silent = false;                // did not answer the last question in time
  Instant retry_at = Instant::min();  // the pause after a failure to connect ends then
};

// Indices into `ways`: those that promise an answer, in turn from `first` on; then the silent ones;
// then those that could not be reached, the end of whose pause is nearest first.
std::vector<std::size_t> asking_order(std::span<const BrokerWay> ways, std::size_t first,
                                      Instant now);

}  // namespace penstock::client
