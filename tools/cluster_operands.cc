#include "tools/cluster_operands.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace penstock::tools {
namespace {

std::optional<std::int32_t> number(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

Result<std::int32_t> parse_broker(std::string_view text) {
  const auto value = number(text);
  if (value) return *value;
  return fail(Errc::kInvalidArgument, "'" + std::string(text) +
                                          "' is no broker; brokers are numbers, as penstock "
                                          "cluster status shows them");
}

Result<std::vector<std::int32_t>> parse_brokers(std::string_view text) {
  std::vector<std::int32_t> brokers;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    PENSTOCK_TRY_ASSIGN(const std::int32_t broker, parse_broker(text.substr(0, comma)));
    if (std::ranges::find(brokers, broker) != brokers.end()) {
      return fail(Errc::kInvalidArgument, "broker " + std::to_string(broker) + " is named twice");
    }
    brokers.push_back(broker);
    if (comma == text.size()) return brokers;
    text.remove_prefix(comma + 1);
  }
}

Result<std::pair<std::string, PartitionId>> parse_partition(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  if (slash != std::string_view::npos && slash > 0) {
    if (const auto partition = number(text.substr(slash + 1))) {
      return std::pair(std::string(text.substr(0, slash)), PartitionId(*partition));
    }
  }
  return fail(
      Errc::kInvalidArgument,
      "'" + std::string(text) + "' is no partition; name it as TOPIC/NUMBER, like orders/3");
}

}  // namespace penstock::tools
