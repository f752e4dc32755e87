// Options as text, and the settings that they are.
//
// Threads: pure functions. Failure: kInvalidArgument for a name that there is not, with the nearest
// one that there is, and for a value that is none or out of range.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
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

// Each has a name and a value.
Status check_named(Options options);

Status apply(Options options, client::ClientConfig& config);
Status apply(Options options, client::ProducerConfig& config);
Status apply(Options options, client::ConsumerConfig& config);
Status apply(Options options, client::GroupConfig& config);

// A Producer or Consumer of the client, with what the options say of its Config.
template <typename Thing, typename Config>
Result<std::unique_ptr<Thing>> open(client::Client& client, Options options) {
  Config config;
  PENSTOCK_TRY(apply(options, config));
  return Thing::open(client, std::move(config));
}

// For the documentation: "name  what it takes", a line for each.
std::string describe_options();

}  // namespace penstock::c_api
