#include "tools/shared_flags.h"

#include <cstdlib>

#include "base/file.h"
#include "tools/settings.h"

namespace penstock::tools {
namespace {

std::string environment_or(const char* variable, std::string otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != 0 ? value : std::move(otherwise);
}

}  // namespace

FlagSpec bootstrap_flag() {
  return {.name = "bootstrap",
          .value = "HOST:PORT",
          .default_value = environment_or("PENSTOCK_BOOTSTRAP", "127.0.0.1:7333"),
          .meaning = "a broker of the cluster, or several with commas",
          .environment = "PENSTOCK_BOOTSTRAP"};
}

FlagSpec data_dir_flag() {
  return {.name = "data_dir",
          .value = "DIR",
          .default_value = environment_or("PENSTOCK_DATA_DIR", "./penstock-data"),
          .meaning = "folder of everything on this machine: broker, archive, logs",
          .environment = "PENSTOCK_DATA_DIR"};
}

FlagSpec archive_dir_flag() {
  return {.name = "archive_dir",
          .value = "DIR",
          .meaning = "folder of the archive; without it DATA_DIR/archive"};
}

FlagSpec json_flag() {
  return {.name = "json", .meaning = "print JSON", .kind = FlagKind::kSwitch};
}

FlagSpec verbose_flag() {
  return {.name = "verbose",
          .meaning = "log connections and retries to standard error",
          .kind = FlagKind::kSwitch,
          .letter = 'v'};
}

Result<std::vector<rpc::Endpoint>> bootstrap_of(const Arguments& arguments) {
  std::vector<rpc::Endpoint> endpoints;
  const std::vector<std::string> given{arguments.text("bootstrap")};
  for (const std::string& text : parse_names(given)) {
    auto endpoint = rpc::Endpoint::parse(text);
    if (!endpoint) return fail(std::move(endpoint).error().context("--bootstrap"));
    endpoints.push_back(*endpoint);
  }
  if (endpoints.empty()) return fail(Errc::kInvalidArgument, "--bootstrap is empty");
  return endpoints;
}

std::string data_dir_of(const Arguments& arguments) { return arguments.text("data_dir"); }

std::string archive_dir_of(const Arguments& arguments) {
  const std::string given = arguments.text("archive_dir");
  return given.empty() ? data_dir_of(arguments) + "/archive" : given;
}

Result<std::unique_ptr<archiver::ObjectStore>> open_archive(const Arguments& arguments) {
  const std::string dir = archive_dir_of(arguments);
  auto store = archiver::LocalObjectStore::open_existing(posix_env(), dir);
  if (!store && store.error().code() == Errc::kNotFound) {
    return fail(Errc::kNotFound,
                "there is no archive in " + dir + "; penstock up keeps one in its --data_dir");
  }
  if (!store) return fail(std::move(store).error());
  return std::move(*store);
}

Result<std::unique_ptr<client::Client>> connect(const Arguments& arguments) {
  client::ClientConfig config;
  config.client_name = "penstock-cli";
  PENSTOCK_TRY_ASSIGN(config.bootstrap, bootstrap_of(arguments));
  return client::Client::open(std::move(config));
}

}  // namespace penstock::tools
