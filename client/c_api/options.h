// Options as text, and the settings that they are.
//
// Threads: pure functions. Failure: kInvalidArgument for a name that there is not, with the nearest
// one that there is, and for a value that is none or out of range.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/config.h"
#include "client/group_consumer.h"
#include "client/include/penstock.h"

namespace penstock::c_api {

struct Options {
  const penstock_option* begin;
  std::size_t count;
};

Status apply(Options options, client::ClientConfig& config);
Status apply(Options options, client::ProducerConfig& config);
Status apply(Options options, client::ConsumerConfig& config);
Status apply(Options options, client::GroupConfig& config);

// For the documentation: "name  what it takes", a line for each.
std::string describe_options();

}  // namespace penstock::c_api
