// Byte tables of docs/storage_format.md and others, for tests that hold them to the code.
#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/bytes.h"

namespace penstock {

// The bytes of the fenced block ```hex NAME; what stands behind a '|' is a comment.
inline Bytes documented(const std::string& name,
                        const std::string& document_name = "storage_format.md") {
  const char* const root = std::getenv("PENSTOCK_SOURCE_DIR");
  std::ifstream document(std::string(root != nullptr ? root : ".") + "/docs/" + document_name);
  Bytes bytes;
  bool inside = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("```")) {
      inside = line == "```hex " + name;
      continue;
    }
    if (!inside) continue;
    std::istringstream pairs(line.substr(0, line.find('|')));
    for (std::string pair; pairs >> pair;) {
      bytes.push_back(static_cast<std::byte>(std::stoi(pair, nullptr, 16)));
    }
  }
  return bytes;
}

// For the message of a failed comparison: sixteen bytes a line, as in the document.
inline std::string hex_lines(ByteView bytes) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text = "\n";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto value = std::to_integer<unsigned>(bytes[i]);
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
    text += i % 16 == 15 ? '\n' : ' ';
  }
  return text;
}

}  // namespace penstock
