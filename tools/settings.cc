#include "tools/settings.h"

namespace penstock::tools {
namespace {

std::vector<std::string> split_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

Result<std::pair<std::string, std::string>> parse_pair(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return fail(Errc::kInvalidArgument,
                "'" + std::string(text) + "' is not of the form NAME=VALUE");
  }
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

}  // namespace

Result<std::map<std::string, std::string>> parse_settings(std::span<const std::string> given) {
  std::map<std::string, std::string> settings;
  for (const std::string& list : given) {
    std::vector<std::string> pairs;
    for (std::string& part : split_commas(list)) {
      if (part.find('=') == std::string::npos && !pairs.empty()) {
        pairs.back() += "," + part;
      } else {
        pairs.push_back(std::move(part));
      }
    }
    for (const std::string& text : pairs) {
      PENSTOCK_TRY_ASSIGN(auto pair, parse_pair(text));
      const auto [existing, added] = settings.insert(std::move(pair));
      if (!added) {
        return fail(Errc::kInvalidArgument, "setting '" + existing->first + "' is given twice");
      }
    }
  }
  return settings;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_headers(
    std::span<const std::string> given) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const std::string& text : given) {
    PENSTOCK_TRY_ASSIGN(auto pair, parse_pair(text));
    headers.push_back(std::move(pair));
  }
  return headers;
}

std::vector<std::string> parse_names(std::span<const std::string> given) {
  std::vector<std::string> names;
  for (const std::string& list : given) {
    for (std::string& name : split_commas(list)) {
      if (!name.empty()) names.push_back(std::move(name));
    }
  }
  return names;
}

}  // namespace penstock::tools
