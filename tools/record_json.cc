#include "tools/record_json.h"

#include <optional>

#include "tools/json_text.h"
#include "tools/utf8.h"

namespace penstock::tools {
namespace {

// `"name":"text"`, or base64 and an encoding member when the bytes are no text.
void append_text_member(std::string& out, std::string_view name, std::string_view encoding_name,
                        const std::optional<ByteView>& bytes) {
  out += '"';
  out += name;
  out += "\":";
  if (!bytes) {
    out += "null";
  } else if (is_utf8(as_text(*bytes))) {
    append_json_string(out, as_text(*bytes));
  } else {
    append_json_string(out, base64(as_text(*bytes)));
    out += ",\"";
    out += encoding_name;
    out += "\":\"base64\"";
  }
}

void append_value(std::string& out, const std::optional<ByteView>& value) {
  if (value && check_json(as_text(*value))) {
    out += "\"value\":";
    append_compact_json(out, as_text(*value));
    return;
  }
  append_text_member(out, "value", "value_encoding", value);
  if (value && is_utf8(as_text(*value))) out += ",\"value_encoding\":\"text\"";
}

void append_headers(std::string& out, const record::HeadersView& headers) {
  out += ",\"headers\":[";
  bool first = true;
  for (const record::HeaderView& header : headers.decode()) {
    out += first ? "{" : ",{";
    first = false;
    append_text_member(out, "name", "name_encoding", as_bytes(header.key));
    out += ',';
    append_text_member(out, "value", "encoding", header.value);
    out += '}';
  }
  out += ']';
}

}  // namespace

void append_record_json(const LocatedRecord& located, std::string& out) {
  const record::RecordView& record = located.record;
  out += "{\"topic\":";
  append_json_string(out, located.topic);
  out += ",\"partition\":" + std::to_string(located.partition.value());
  out += ",\"offset\":" + std::to_string(record.offset.value());
  out += ",\"timestamp\":" + std::to_string(record.timestamp.ms()) + ",";
  append_text_member(out, "key", "key_encoding", record.key);
  out += ',';
  append_value(out, record.value);
  if (!record.headers.empty()) append_headers(out, record.headers);
  out += '}';
}

}  // namespace penstock::tools
