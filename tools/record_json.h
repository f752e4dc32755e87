// A record as one line of JSON, for `consume --json`.
//
//   {"topic":"t","partition":0,"offset":17,"timestamp":1714566600000,"key":"k","value":{"a":1}}
//
// Format: a value that is JSON stands as it is (white space between tokens removed); other UTF-8
// text as a string, with "value_encoding":"text" behind it; other bytes in base64, with
// "value_encoding":"base64"; null as null. A key is always a string, in base64 with
// "key_encoding":"base64" when it is no UTF-8. "headers" appears only when there are some: an array
// of {"name", "value"} in order, values as keys are written ("encoding":"base64").
#pragma once

#include <string>

#include "tools/format_program.h"

namespace penstock::tools {

// Appends the object, without a line end.
void append_record_json(const LocatedRecord& record, std::string& out);

}  // namespace penstock::tools
