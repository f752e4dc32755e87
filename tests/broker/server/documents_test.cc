// docs/CONFIGURATION.md and docs/METRICS.md say what the tables in the code say. PENSTOCK_REWRITE=1
// writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "archiver/worker_flags.h"
#include "broker/controller/topic_settings.h"
#include "broker/server/broker_flags.h"
#include "broker/server/server_metrics.h"

namespace penstock::broker {
namespace {

// "604800000 (7d)"; people may write either.
std::string default_of(const SettingRow& row, const TopicSettings& defaults) {
  std::string plain = format_setting(row, defaults);
  const std::string shown(row.default_text);
  return shown == plain ? "`" + plain + "`" : "`" + plain + "` (" + shown + ")";
}

std::string type_of(const SettingRow& row) {
  switch (row.type) {
    case SettingType::kSize:
      return "bytes";
    case SettingType::kDuration:
      return "milliseconds";
    case SettingType::kChoice:
      return "choice";
  }
  std::unreachable();
}

// The flags and exit codes of a program.
std::string tables_of(const Program& program) {
  std::string text = "| flag | default | meaning |\n|---|---|---|\n";
  for (const ProgramFlag& flag : program.flags) {
    text += "| `--" + std::string(flag.name) + "` | " + std::string(flag.default_text) + " | " +
            std::string(flag.meaning) + " |\n";
  }
  text += "\n| exit code | meaning |\n|---|---|\n";
  for (const ProgramExit& exit : program.exits) {
    text += "| " + std::to_string(exit.code) + " | " + std::string(exit.meaning) + " |\n";
  }
  return text;
}

std::string programs() {
  return "## penstockd\n\n"
         "Flags are `--name=value` or `--name value`. `--help` and `--version` do what they say. "
         "An "
         "unknown flag or a\nvalue of the wrong type is refused in one line, with exit code 2; "
         "nothing is started.\n\n" +
         tables_of(kBrokerProgram) +
         "\nSIGTERM or SIGINT stops the broker: it takes no new connections, finishes requests "
         "under way, closes\nits logs and exits with 0. A second signal ends it at once, which is "
         "as safe as a power cut.\n\n"
         "## penstock-worker archive\n\n" +
         tables_of(archiver::kWorkerProgram) +
         "\nSIGTERM or SIGINT stops the worker after the step under way. Killed, it loses nothing "
         "either: it goes on\nfrom the manifests.\n\n";
}

std::string configuration() {
  std::string text =
      "# Configuration\n\n"
      "Written by `broker_server_test` from the tables in `broker/server/broker_flags.h`,\n"
      "`archiver/worker_flags.h` and `broker/controller/topic_settings.cc`; run it with "
      "`PENSTOCK_REWRITE=1`\nafter changing them. Flags of `penstock`: `penstock help "
      "COMMAND`.\n\n";
  text += programs();
  text +=
      "## Topics\n\n"
      "Given when a topic is created, or altered later; a topic that does not set one follows the "
      "default.\nSizes may be written with B, KiB, MiB, GiB, durations with ms, s, m, h, d, no "
      "limit as "
      "`unlimited`.\n\n"
      "| setting | type | default | allowed | meaning |\n|---|---|---|---|---|\n";
  const TopicSettings defaults = resolve_settings({}).value();
  for (const SettingRow& row : topic_setting_table()) {
    text += "| `" + std::string(row.name) + "` | " + type_of(row) + " | " +
            default_of(row, defaults) + " | " + allowed_values(row) + " | " +
            std::string(row.meaning) + " |\n";
  }
  return text;
}

std::string kind_of(prometheus::MetricType type) {
  if (type == prometheus::MetricType::Counter) return "counter";
  return type == prometheus::MetricType::Gauge ? "gauge" : "histogram";
}

std::string labels_of(const prometheus::MetricFamily& family) {
  std::map<std::string, std::set<std::string>> values;
  for (const auto& metric : family.metric) {
    for (const auto& label : metric.label) values[label.name].insert(label.value);
  }
  std::string text;
  for (const auto& [name, some] : values) {
    text += (text.empty() ? "" : ", ") + name;
    if (name == "error") continue;  // any code of docs/ERRORS.md
    text += "=";
    for (const std::string& value : some) text += (text.ends_with("=") ? "" : "\\|") + value;
  }
  return text;
}

std::string metrics() {
  std::string text =
      "# Metrics\n\n"
      "`http://HOST:7334/metrics` in the Prometheus text format; `/health` answers 200, or 503 "
      "while the "
      "disk is\nfull. Written by `broker_server_test` from the broker's registry; run it with "
      "`PENSTOCK_REWRITE=1` after\nchanging that.\n\n"
      "| metric | kind | labels | meaning |\n|---|---|---|---|\n";
  const ServerMetrics registry;
  std::map<std::string, std::string> rows;
  for (const auto& family : registry.registry().Collect()) {
    rows[family.name] = "| `" + family.name + "` | " + kind_of(family.type) + " | " +
                        labels_of(family) + " | " + family.help + " |\n";
  }
  for (const auto& [name, row] : rows) text += row;
  return text;
}

void expect_document(const std::string& name, const std::string& text) {
  const char* source = std::getenv("PENSTOCK_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest, or set PENSTOCK_SOURCE_DIR";
  const std::string path = std::string(source) + "/docs/" + name;
  if (std::getenv("PENSTOCK_REWRITE") != nullptr) std::ofstream(path) << text;
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text)
      << path << " is stale: run with PENSTOCK_REWRITE=1";
}

TEST(Documents, ConfigurationIsWhatTheTablesSay) {
  expect_document("CONFIGURATION.md", configuration());
}

TEST(Documents, MetricsAreWhatTheRegistrySays) { expect_document("METRICS.md", metrics()); }

TEST(ServerMetrics, NamesFollowTheHouseRule) {
  const ServerMetrics registry;
  for (const auto& family : registry.registry().Collect()) {
    EXPECT_TRUE(family.name.starts_with("penstock_")) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_EQ(family.name.ends_with("_total"), family.type == prometheus::MetricType::Counter)
        << family.name;
  }
}

TEST(ServerMetrics, TotalsOfOtherModulesNeverFall) {
  ServerMetrics metrics;
  metrics.set({.connections_total = 5});
  metrics.set({.connections_total = 4});
  EXPECT_NE(metrics.to_text().find("penstock_rpc_connections_total 5"), std::string::npos);
}

}  // namespace
}  // namespace penstock::broker
