// The bytes of a manifest: a change of them is a change of the format.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "tests/archiver/sample_manifest.h"

namespace penstock::archiver {
namespace {

std::string source_file(const std::string& path) {
  const char* source = std::getenv("PENSTOCK_SOURCE_DIR");
  return std::string(source == nullptr ? "." : source) + "/" + path;
}

Bytes golden() {
  const std::string path = source_file("tests/archiver/testdata/manifest.json");
  auto bytes = posix_env().read_file(path, 1U << 20);
  EXPECT_TRUE(bytes.has_value()) << bytes.error().to_string();
  return bytes ? *bytes : Bytes();
}

TEST(ManifestGoldenTest, EncodesToTheseBytes) {
  const Bytes expected = golden();
  EXPECT_EQ(as_text(encode(sample_manifest())), as_text(expected));
}

TEST(ManifestGoldenTest, TheseBytesDecodeToIt) {
  const auto decoded = decode(golden());
  ASSERT_TRUE(decoded.has_value()) << decoded.error().to_string();
  EXPECT_EQ(*decoded, sample_manifest());
}

TEST(ManifestGoldenTest, TheDocumentShowsTheseBytes) {
  const auto document = posix_env().read_file(source_file("docs/archive_format.md"), 1U << 20);
  ASSERT_TRUE(document.has_value()) << document.error().to_string();
  const Bytes expected = golden();
  EXPECT_NE(as_text(*document).find(as_text(expected)), std::string_view::npos);
}

}  // namespace
}  // namespace penstock::archiver
