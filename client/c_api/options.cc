#include "client/c_api/options.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>
#include <string_view>

#include "base/nearest.h"

namespace penstock::c_api {
namespace {

using client::ClientConfig;
using client::ConsumerConfig;
using client::GroupConfig;
using client::milliseconds;
using client::ProducerConfig;

template <typename Config>
struct Option {
  std::string_view name;
  std::string_view takes;
  std::function<Status(Config&, std::string_view)> set;
};

Error not_taken(std::string_view value, std::string_view takes) {
  return {Errc::kInvalidArgument, "'" + std::string(value) + "' is not " + std::string(takes)};
}

Result<std::uint64_t> number(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    return fail(not_taken(text, "a number up to " + std::to_string(most)));
  }
  return value;
}

template <typename Config>
Option<Config> text(std::string_view name, std::string Config::* field) {
  return {name, "text", [field](Config& config, std::string_view value) -> Status {
            config.*field = value;
            return {};
          }};
}

template <typename Config>
Option<Config> count(std::string_view name, std::size_t Config::* field) {
  return {name, "a number", [field](Config& config, std::string_view value) -> Status {
            PENSTOCK_TRY_ASSIGN(config.*field, number(value, std::uint64_t{1} << 40));
            return {};
          }};
}

template <typename Config>
Option<Config> time(std::string_view name, milliseconds Config::* field) {
  return {name, "milliseconds", [field](Config& config, std::string_view value) -> Status {
            constexpr std::uint64_t kMost = std::numeric_limits<std::int32_t>::max();
            PENSTOCK_TRY_ASSIGN(const std::uint64_t ms, number(value, kMost));
            config.*field = milliseconds(ms);
            return {};
          }};
}

template <typename Config>
Option<Config> flag(std::string_view name, bool Config::* field) {
  return {name, "true or false", [field](Config& config, std::string_view value) -> Status {
            if (value != "true" && value != "false") return fail(not_taken(value, "true or false"));
            config.*field = value == "true";
            return {};
          }};
}

template <typename Value>
struct Word {
  std::string_view word;
  Value value;
};

template <typename Config, typename Value>
Option<Config> choice(std::string_view name, std::string_view takes, Value Config::* field,
                      std::vector<Word<Value>> words) {
  return {
      name, takes,
      [field, takes, words = std::move(words)](Config& config, std::string_view value) -> Status {
        for (const Word<Value>& one : words) {
          if (one.word != value) continue;
          config.*field = one.value;
          return {};
        }
        return fail(not_taken(value, "one of " + std::string(takes)));
      }};
}

const std::vector<Option<ClientConfig>>& client_options() {
  static const std::vector<Option<ClientConfig>> all = {
      text("client_name", &ClientConfig::client_name),
      time("connect_timeout_ms", &ClientConfig::connect_timeout),
      time("request_timeout_ms", &ClientConfig::request_timeout),
      time("retry_backoff_ms", &ClientConfig::retry_backoff),
      time("retry_backoff_max_ms", &ClientConfig::retry_backoff_max),
      time("metadata_max_age_ms", &ClientConfig::metadata_max_age)};
  return all;
}

const std::vector<Option<ProducerConfig>>& producer_options() {
  using client::DeliveryReports;
  using client::Durability;
  static const std::vector<Option<ProducerConfig>> all = {
      choice<ProducerConfig, Durability>("durability", "topic, fsynced, written",
                                         &ProducerConfig::durability,
                                         {{"topic", Durability::kTopicDefault},
                                          {"fsynced", Durability::kFsynced},
                                          {"written", Durability::kWritten}}),
      choice<ProducerConfig, DeliveryReports>(
          "reports", "all, errors", &ProducerConfig::reports,
          {{"all", DeliveryReports::kAll}, {"errors", DeliveryReports::kErrorsOnly}}),
      {"compression", "none, gzip, snappy, lz4, zstd",
       [](ProducerConfig& config, std::string_view value) -> Status {
         PENSTOCK_TRY_ASSIGN(config.codec, record::codec_from_name(value));
         return {};
       }},
      count("batch_bytes", &ProducerConfig::batch_bytes),
      time("linger_ms", &ProducerConfig::linger),
      count("max_record_bytes", &ProducerConfig::max_record_bytes),
      count("memory_limit_bytes", &ProducerConfig::memory_limit_bytes),
      count("max_in_flight_requests", &ProducerConfig::max_in_flight_requests),
      count("max_request_bytes", &ProducerConfig::max_request_bytes),
      time("max_block_ms", &ProducerConfig::max_block),
      time("delivery_timeout_ms", &ProducerConfig::delivery_timeout),
      flag("enable_idempotence", &ProducerConfig::enable_idempotence),
      text("producer_name", &ProducerConfig::producer_name),
      count("max_undelivered_reports", &ProducerConfig::max_undelivered_reports)};
  return all;
}

const std::vector<Option<ConsumerConfig>>& consumer_options() {
  using client::OnOutOfRange;
  using client::ReadFrom;
  static const std::vector<Option<ConsumerConfig>> all = {
      count("memory_limit_bytes", &ConsumerConfig::memory_limit_bytes),
      count("fetch_bytes", &ConsumerConfig::fetch_bytes),
      count("partition_fetch_bytes", &ConsumerConfig::partition_fetch_bytes),
      count("min_fetch_bytes", &ConsumerConfig::min_fetch_bytes),
      time("max_wait_ms", &ConsumerConfig::max_wait),
      choice<ConsumerConfig, OnOutOfRange>("on_out_of_range", "fail, beginning, end",
                                           &ConsumerConfig::on_out_of_range,
                                           {{"fail", OnOutOfRange::kFail},
                                            {"beginning", OnOutOfRange::kBeginning},
                                            {"end", OnOutOfRange::kEnd}}),
      choice<ConsumerConfig, ReadFrom>(
          "read_from", "leader, any", &ConsumerConfig::read_from,
          {{"leader", ReadFrom::kLeader}, {"any", ReadFrom::kAnyReplica}})};
  return all;
}

const std::vector<Option<GroupConfig>>& group_options() {
  using client::GroupAssignor;
  static const std::vector<Option<GroupConfig>> all = [] {
    std::vector<Option<GroupConfig>> options = {
        text("pattern", &GroupConfig::pattern),
        text("instance", &GroupConfig::instance),
        text("rack", &GroupConfig::rack),
        choice<GroupConfig, GroupAssignor>("assignor", "balanced-sticky, range, rack-aware",
                                           &GroupConfig::assignor,
                                           {{"balanced-sticky", GroupAssignor::kBalancedSticky},
                                            {"range", GroupAssignor::kRange},
                                            {"rack-aware", GroupAssignor::kRackAware}}),
        {"start", "beginning, end",
         [](GroupConfig& config, std::string_view value) -> Status {
           if (value != "beginning" && value != "end") {
             return fail(not_taken(value, "one of beginning, end"));
           }
           config.start = value == "end" ? client::StartAt::end() : client::StartAt::beginning();
           return {};
         }},
        time("session_timeout_ms", &GroupConfig::session_timeout),
        time("max_poll_interval_ms", &GroupConfig::max_poll_interval)};
    // What a consumer takes, a member takes too.
    for (const Option<ConsumerConfig>& one : consumer_options()) {
      options.push_back({one.name, one.takes, [&one](GroupConfig& config, std::string_view value) {
                           return one.set(config.consumer, value);
                         }});
    }
    return options;
  }();
  return all;
}

template <typename Config>
Error unknown(std::string_view name, const std::vector<Option<Config>>& all) {
  std::vector<std::string> names;
  std::string list;
  for (const Option<Config>& one : all) {
    names.emplace_back(one.name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  const auto meant = nearest(name, names);
  return {Errc::kInvalidArgument,
          "there is no option '" + std::string(name) + "'; " +
              (meant ? "did you mean " + *meant + "?" : "there are: " + list)};
}

template <typename Config>
Status apply_all(Options given, const std::vector<Option<Config>>& all, Config& config) {
  PENSTOCK_TRY(check_named(given));
  for (std::size_t i = 0; i < given.count; ++i) {
    const penstock_option& option = given.begin[i];
    const auto known = std::ranges::find(all, option.name, &Option<Config>::name);
    if (known == all.end()) return fail(unknown(option.name, all));
    if (Status set = known->set(config, option.value); !set) {
      return fail(std::move(set).error().context("option " + std::string(option.name)));
    }
  }
  return {};
}

template <typename Config>
void describe(std::string_view of, const std::vector<Option<Config>>& all, std::string& out) {
  for (const Option<Config>& one : all) {
    out += "| " + std::string(of) + " | `" + std::string(one.name) + "` | " +
           std::string(one.takes) + " |\n";
  }
}

}  // namespace

Status check_named(Options options) {
  for (std::size_t i = 0; i < options.count; ++i) {
    if (options.begin[i].name == nullptr || options.begin[i].value == nullptr) {
      return fail(Errc::kInvalidArgument, "an option needs a name and a value");
    }
  }
  return {};
}

Status apply(Options options, ClientConfig& config) {
  return apply_all(options, client_options(), config);
}
Status apply(Options options, ProducerConfig& config) {
  return apply_all(options, producer_options(), config);
}
Status apply(Options options, ConsumerConfig& config) {
  return apply_all(options, consumer_options(), config);
}
Status apply(Options options, GroupConfig& config) {
  return apply_all(options, group_options(), config);
}

std::string describe_options() {
  std::string table = "| of | option | takes |\n|---|---|---|\n";
  describe("client", client_options(), table);
  describe("producer", producer_options(), table);
  describe("consumer, group consumer", consumer_options(), table);
  const auto& members = group_options();
  const std::vector own(members.begin(),
                        members.end() - static_cast<std::ptrdiff_t>(consumer_options().size()));
  describe("group consumer", own, table);
  return table;
}

}  // namespace penstock::c_api
