#include "tools/dump_json.h"

#include <algorithm>

#include "tools/json_text.h"
#include "tools/utf8.h"

namespace penstock::tools {
namespace {

void append_string(std::string& out, std::string_view text) {
  append_json_string(out, is_utf8(text) ? text : std::string_view("(no UTF-8)"));
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ',';
  append_string(out, name);
  out += ':';
  if (is_plain_number(value)) {
    out += value;
  } else {
    append_string(out, value);
  }
}

std::string_view take_word(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view word = rest.substr(0, end);
  rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  return word;
}

// "a..b", both inclusive; an empty range ends before it begins.
void append_offsets(std::string& out, std::string_view range) {
  const std::size_t dots = range.find("..");
  append_member(out, "first_offset", range.substr(0, dots));
  append_member(out, "last_offset", range.substr(dots + 2));
}

// Whose a file says it is stands beside whose its folder is.
std::string_view member_name(std::string_view name) {
  if (name == "topic") return "file_topic_id";
  return name == "partition" ? "file_partition" : name;
}

void append_words(std::string& out, std::string_view rest) {
  while (!rest.empty()) {
    if (rest.starts_with('(')) return;  // an explanation
    const std::string_view word = take_word(rest);
    const std::size_t equals = word.find('=');
    if (word == "stopped:") {
      append_member(out, "stopped", rest);
      return;
    }
    if (equals == std::string_view::npos) {
      out += ',';
      append_string(out, word);
      out += ":true";
    } else if (word.starts_with("offsets=") && word.find("..") != std::string_view::npos) {
      append_offsets(out, word.substr(equals + 1));
    } else {
      append_member(out, member_name(word.substr(0, equals)), word.substr(equals + 1));
    }
  }
}

}  // namespace

std::string dump_line_json(std::string_view topic, PartitionId partition, std::string_view line) {
  std::string out = "{\"topic\":";
  append_string(out, topic);
  out += ",\"partition\":" + std::to_string(partition.value()) + ",\"type\":";
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view type = take_word(line);
  if (type == "PROBLEM" || type == "note:") {
    append_string(out, type == "PROBLEM" ? "problem" : "note");
    append_member(out, "what", line);
  } else {
    append_string(out, type);
    append_words(out, line);
  }
  return out + "}";
}

}  // namespace penstock::tools
