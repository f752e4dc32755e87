#include "tests/protocol/record/golden_files.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/assert.h"

namespace penstock::record {
namespace {

Bytes from_hex(const std::string& text) {
  Bytes bytes;
  std::string digits;
  bool comment = false;
  for (const char c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (comment || std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    PENSTOCK_ASSERT(std::isxdigit(static_cast<unsigned char>(c)) != 0, "a golden file holds hex");
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  PENSTOCK_ASSERT(digits.empty(), "a golden file holds whole bytes");
  return bytes;
}

}  // namespace

Bytes golden(const std::string& file) {
  const char* const source = std::getenv("PENSTOCK_SOURCE_DIR");
  PENSTOCK_ASSERT(source != nullptr, "run by ctest, or with PENSTOCK_SOURCE_DIR set");
  const auto path = std::filesystem::path(source) / "tests/protocol/record/testdata" / file;
  std::ifstream in(path, std::ios::binary);
  PENSTOCK_ASSERT(in.is_open(), "the golden file exists");
  const std::string content((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (path.extension() == ".hex") return from_hex(content);
  const ByteView bytes = as_bytes(content);
  return {bytes.begin(), bytes.end()};
}

}  // namespace penstock::record
