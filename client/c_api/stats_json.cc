#include "client/c_api/stats_json.h"

#include <boost/json.hpp>
#include <cstring>
#include <string>

#include "base/assert.h"

namespace penstock::c_api {
namespace {

namespace json = boost::json;

char* copy_of(const json::object& object) {
  char* const text = ::strdup(json::serialize(object).c_str());
  PENSTOCK_ASSERT(text != nullptr, "out of memory");
  return text;
}

json::value text_of(const std::optional<Error>& error) {
  if (!error) return nullptr;
  return json::value(error->to_string());
}

json::object object_of(const client::ConsumerStats& stats) {
  return {{"records", stats.records},
          {"bytes", stats.bytes},
          {"fetches", stats.fetches},
          {"prefetched_bytes", stats.prefetched_bytes},
          {"last_error", text_of(stats.last_error)}};
}

}  // namespace

char* to_json(const client::ProducerStats& stats) {
  return copy_of({{"records_accepted", stats.records_accepted},
                  {"records_delivered", stats.records_delivered},
                  {"records_failed", stats.records_failed},
                  {"records_unknown", stats.records_unknown},
                  {"bytes_delivered", stats.bytes_delivered},
                  {"requests", stats.requests},
                  {"retries", stats.retries},
                  {"memory_bytes", stats.memory_bytes}});
}

char* to_json(const client::ConsumerStats& stats) { return copy_of(object_of(stats)); }

char* to_json(const client::GroupStats& stats) {
  return copy_of({{"is_member", stats.is_member},
                  {"is_settled", stats.is_settled},
                  {"heartbeats", stats.heartbeats},
                  {"commits", stats.commits},
                  {"times_lost", stats.times_lost},
                  {"last_error", text_of(stats.last_error)},
                  {"consumer", object_of(stats.consumer)}});
}

}  // namespace penstock::c_api
