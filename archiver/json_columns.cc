#include "archiver/json_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "archiver/duckdb.h"
#include "archiver/limits.h"

namespace penstock::archiver {
namespace {

namespace json = boost::json;

bool can_be_named(std::string_view key) {
  return !key.empty() && key.find('\0') == std::string_view::npos;
}

bool can_be_struct(const json::object& fields) {
  if (fields.empty() || fields.size() > kMaxNestedFields) return false;
  std::set<std::string> names;
  return std::ranges::all_of(fields, [&](const auto& field) {
    return can_be_named(field.key()) && names.insert(engine::folded(field.key())).second;
  });
}

json::value usable_type(const json::value& type, std::size_t depth) {
  if (depth > kMaxJsonDepth) return "JSON";
  if (const auto* list = type.if_array(); list != nullptr && list->size() == 1) {
    return json::array{usable_type(list->front(), depth + 1)};
  }
  if (const auto* fields = type.if_object(); fields != nullptr && can_be_struct(*fields)) {
    json::object usable;
    for (const auto& field : *fields) usable[field.key()] = usable_type(field.value(), depth + 1);
    return usable;
  }
  if (const auto* name = type.if_string()) {
    if (*name == "NULL") return "VARCHAR";    // never anything else was seen
    if (*name == "UBIGINT") return "BIGINT";  // differences of unsigned numbers would overflow
    return *name;
  }
  return "JSON";
}

// RFC 6901.
std::string pointer_to(std::string_view key) {
  std::string out = "/";
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string free_name(std::string_view key, std::set<std::string>& taken) {
  const std::string wanted = key.empty() ? "field" : std::string(key);
  std::string name = wanted;
  for (int n = 2; !taken.insert(engine::folded(name)).second; ++n)
    name = fmt::format("{}_{}", wanted, n);
  return name;
}

}  // namespace

JsonColumns json_columns(std::string_view structure, const std::vector<std::string>& taken) {
  JsonColumns result;
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 2 * kMaxJsonDepth;  // deeper ones are no columns at all
  const json::value parsed = json::parse(structure, error, {}, options);
  if (error || !parsed.is_object()) return result;

  std::set<std::string> names;
  for (const std::string& name : taken) names.insert(engine::folded(name));
  std::set<std::string> in_struct;
  json::object fields;
  for (const auto& field : parsed.get_object()) {
    const std::string_view key = field.key();
    if (key.find('\0') != std::string_view::npos) continue;
    if (result.columns.size() == kMaxJsonColumns) break;
    const json::value type = usable_type(field.value(), 1);
    std::string expression;
    if (!key.empty() && in_struct.insert(engine::folded(key)).second) {
      fields[key] = type;
      expression = fmt::format("struct_extract(fields, {})", engine::literal(key));
    } else {
      expression =
          fmt::format("json_transform(json_extract(text, {}), {})",
                      engine::literal(pointer_to(key)), engine::literal(json::serialize(type)));
    }
    result.columns.push_back({.name = free_name(key, names), .expression = std::move(expression)});
  }
  result.structure = fields.empty() ? "{\"_\":\"JSON\"}" : json::serialize(fields);
  return result;
}

}  // namespace penstock::archiver
