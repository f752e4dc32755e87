// JsonColumns: the columns that a topic's JSON objects become, from the engine's account of their
// structure (pure).
//
// Invariants: column names differ from each other and from the taken ones, ignoring case; types
// hold no struct with two fields that differ only in case, which the engine does not allow: what
// cannot be a column of its own type becomes JSON text. Limits: limits.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::archiver {

struct JsonColumns {
  struct Column {
    std::string name;
    std::string expression;  // SQL over `fields` (the STRUCT below) and `text` (the JSON)
  };
  std::vector<Column> columns;
  // What json_transform() makes of a whole object, as its structure argument.
  std::string structure;
};

// `structure` is what json_group_structure() returned: '{"id":"VARCHAR","mag":"DOUBLE"}'. No
// columns when it is no object.
JsonColumns json_columns(std::string_view structure, const std::vector<std::string>& taken);

}  // namespace penstock::archiver
