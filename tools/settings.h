// name=value pairs of the command line: topic settings and record headers.
//
// Failure: kInvalidArgument shows the part that has no '=' or no name, or a name given twice.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace penstock::tools {

// Of --set a=1,b=2 --set c=3. A comma separates pairs only where another name=value follows it, so
// that "cleanup=delete,compact" is one value.
Result<std::map<std::string, std::string>> parse_settings(std::span<const std::string> given);

// Of --header a=1 --header b=2: one pair each, in order; names may repeat, values may be empty and
// hold anything.
Result<std::vector<std::pair<std::string, std::string>>> parse_headers(
    std::span<const std::string> given);

// Of --reset a,b --reset c.
std::vector<std::string> parse_names(std::span<const std::string> given);

}  // namespace penstock::tools
