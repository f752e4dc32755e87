// Errors, clients and topics of penstock.h.
#include <cstdlib>
#include <string_view>

#include "client/c_api/handles.h"
#include "client/c_api/options.h"

using penstock::Errc;
using penstock::Result;
using penstock::Status;
namespace client = penstock::client;
namespace c_api = penstock::c_api;

namespace {

Result<std::vector<penstock::rpc::Endpoint>> endpoints(std::string_view list) {
  std::vector<penstock::rpc::Endpoint> all;
  while (true) {
    const std::size_t comma = list.find(',');
    PENSTOCK_TRY_ASSIGN(auto one, penstock::rpc::Endpoint::parse(list.substr(0, comma)));
    all.push_back(std::move(one));
    if (comma == std::string_view::npos) return all;
    list.remove_prefix(comma + 1);
  }
}

Result<std::unique_ptr<client::Client>> open(const char* bootstrap, c_api::Options options) {
  client::ClientConfig config;
  PENSTOCK_TRY(c_api::apply(options, config));
  if (bootstrap != nullptr) {
    PENSTOCK_TRY_ASSIGN(config.bootstrap, endpoints(bootstrap));
  }
  return client::Client::open(std::move(config));
}

Status create(client::Client& client, client::NewTopic topic, c_api::Options settings) {
  PENSTOCK_TRY(c_api::check_named(settings));
  for (std::size_t i = 0; i < settings.count; ++i) {
    topic.settings[settings.begin[i].name] = settings.begin[i].value;
  }
  PENSTOCK_TRY(client.admin().create_topic(topic));
  return {};
}

}  // namespace

extern "C" {

const char* penstock_version(void) { return PENSTOCK_VERSION; }

int32_t penstock_error_code(const penstock_error* error) {
  return static_cast<int32_t>(error->error.code());
}

const char* penstock_error_name(const penstock_error* error) {
  return penstock::info(error->error.code()).name.data();  // a literal
}

const char* penstock_error_message(const penstock_error* error) {
  return error->error.message().c_str();
}

int penstock_error_is_retriable(const penstock_error* error) {
  return error->error.retriable() ? 1 : 0;
}

int penstock_error_may_be_done(const penstock_error* error) {
  return error->error.outcome() == penstock::Outcome::kMaybeDone ? 1 : 0;
}

void penstock_error_free(penstock_error* error) { delete error; }

penstock_error* penstock_client_open(const char* bootstrap, const penstock_option* options,
                                     size_t option_count, penstock_client** client) {
  return c_api::give(open(bootstrap, {options, option_count}), client);
}

void penstock_client_free(penstock_client* client) { delete client; }

penstock_error* penstock_create_topic(penstock_client* client, const char* name,
                                      uint32_t partitions, uint32_t replication_factor,
                                      const penstock_option* settings, size_t setting_count) {
  return c_api::give(
      create(*client->client,
             {.name = name, .partitions = partitions, .replication_factor = replication_factor},
             {settings, setting_count}));
}

penstock_error* penstock_delete_topic(penstock_client* client, const char* name) {
  return c_api::give(client->client->admin().delete_topic(name));
}

void penstock_text_free(char* text) { std::free(text); }

}  // extern "C"
