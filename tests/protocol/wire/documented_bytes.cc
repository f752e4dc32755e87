#include "tests/protocol/wire/documented_bytes.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/assert.h"

namespace penstock::wire {
namespace {

void append_hex(const std::string& line, Bytes& out) {
  std::istringstream pairs(line.substr(0, line.find('|')));
  for (std::string pair; pairs >> pair;) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(pair.c_str(), &end, 16);
    PENSTOCK_ASSERT(pair.size() == 2 && *end == 0, "documented bytes are pairs of hex digits");
    out.push_back(static_cast<std::byte>(value));
  }
}

}  // namespace

std::vector<std::string> document_lines(const std::string& file) {
  const char* source = std::getenv("PENSTOCK_SOURCE_DIR");
  PENSTOCK_ASSERT(source != nullptr, "run by ctest, or with PENSTOCK_SOURCE_DIR set");
  std::ifstream in(std::string(source) + "/docs/" + file);
  PENSTOCK_ASSERT(in.good(), "the document exists");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

Bytes documented_bytes(const std::string& name) {
  Bytes bytes;
  bool inside = false;
  for (const std::string& line : document_lines("protocol.md")) {
    if (inside && line == "```") return bytes;
    if (inside) append_hex(line, bytes);
    if (line == "```hex " + name) inside = true;
  }
  PENSTOCK_ASSERT(false, "the document has a hex block of that name");
}

}  // namespace penstock::wire
