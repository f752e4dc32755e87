#include "broker/server/command_line.h"

#include <algorithm>

#include "broker/server/broker_flags.h"

namespace penstock::broker {
namespace {

bool is_flag(std::string_view name) {
  const auto known = [](std::string_view one) {
    return std::ranges::find(kBrokerFlags, one, &BrokerFlag::name) != kBrokerFlags.end();
  };
  return known(name) || (name.starts_with("no") && known(name.substr(2)));
}

// Flags that contain what was typed, or begin alike.
std::string suggestion(std::string_view typed) {
  constexpr std::size_t kAlike = 4;
  for (const BrokerFlag& flag : kBrokerFlags) {
    if (flag.name.find(typed) != std::string_view::npos ||
        (typed.size() >= kAlike && flag.name.starts_with(typed.substr(0, kAlike)))) {
      return "; did you mean --" + std::string(flag.name) + "?";
    }
  }
  return "; see penstockd --help";
}

Result<rpc::Endpoint> endpoint_of(std::string_view flag, const std::string& text) {
  auto endpoint = rpc::Endpoint::parse(text);
  if (!endpoint) return fail(std::move(endpoint).error().context("--" + std::string(flag)));
  return endpoint;
}

// An address to listen on; unlike one to connect to, it may have port 0.
Result<rpc::Endpoint> listening_of(std::string_view flag, const std::string& text) {
  constexpr std::string_view kAnyPort = ":0";
  if (!text.ends_with(kAnyPort)) return endpoint_of(flag, text);
  PENSTOCK_TRY_ASSIGN(rpc::Endpoint endpoint,
                      endpoint_of(flag, text.substr(0, text.size() - kAnyPort.size()) + ":1"));
  endpoint.port = 0;
  return endpoint;
}

}  // namespace

Status check_arguments(const std::vector<std::string_view>& arguments) {
  for (const std::string_view argument : arguments) {
    if (!argument.starts_with("-") || argument == "-" || argument == "--") {
      return fail(Errc::kInvalidArgument, "'" + std::string(argument) +
                                              "' is no flag; flags are --name=value, see penstockd "
                                              "--help");
    }
    std::string_view name = argument.substr(argument.find_first_not_of('-'));
    name = name.substr(0, name.find('='));
    if (!is_flag(name)) {
      return fail(Errc::kInvalidArgument, "unknown flag --" + std::string(name) + suggestion(name));
    }
    const bool is_switch = name.ends_with("insecure_i_know");
    if (!is_switch && argument.find('=') == std::string_view::npos) {
      return fail(Errc::kInvalidArgument,
                  "--" + std::string(name) + " needs a value: --" + std::string(name) + "=...");
    }
  }
  return {};
}

Result<BrokerConfig> config_from(const FlagValues& flags) {
  BrokerConfig config;
  config.data_dir = flags.data_dir;
  PENSTOCK_TRY_ASSIGN(config.listen, listening_of("listen", flags.listen));
  PENSTOCK_TRY_ASSIGN(config.metrics_listen, listening_of("metrics_listen", flags.metrics_listen));
  if (!flags.advertise.empty()) {
    PENSTOCK_TRY_ASSIGN(config.advertise, endpoint_of("advertise", flags.advertise));
  }
  config.shards = flags.shards;
  config.disk_threads = flags.disk_threads;
  config.memory_limit_bytes = std::uint64_t{flags.memory_limit_mb} << 20;
  config.disk_reserve_bytes = std::uint64_t{flags.disk_reserve_mb} << 20;
  config.outside = flags.insecure_i_know ? OutsideAccess::kAccepted : OutsideAccess::kRefused;
  PENSTOCK_TRY(validate(config));
  return config;
}

std::string help_text() {
  constexpr std::size_t kIndent = 4;
  constexpr std::size_t kWidth = 92;
  std::string text =
      "penstockd keeps topics of records in a data directory and serves them to clients.\n\n"
      "  penstockd --data_dir=DIR [--flag=value ...]\n\nFlags\n";
  for (const BrokerFlag& flag : kBrokerFlags) {
    text += "  --" + std::string(flag.name) + "  (" + std::string(flag.default_text) + ")\n";
    std::string_view rest = flag.meaning;
    while (!rest.empty()) {
      std::size_t end = rest.size() <= kWidth ? rest.size() : rest.rfind(' ', kWidth);
      text += std::string(kIndent + 2, ' ') + std::string(rest.substr(0, end)) + "\n";
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  }
  text += "  --help, --version\n\nExit codes\n";
  for (const ExitCode& exit : kExitCodes) {
    const std::string_view meaning = exit.meaning.substr(0, exit.meaning.find(';'));
    text += "  " + std::to_string(exit.code) + "  " + std::string(meaning) + "\n";
  }
  return text;
}

}  // namespace penstock::broker
