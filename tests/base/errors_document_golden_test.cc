// docs/ERRORS.md is generated from the table in base/errc.h. After a change of the table run this
// test with PENSTOCK_REWRITE=1.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/errc.h"

namespace penstock {
namespace {

std::string errors_document() {
  std::string text =
      "# Error codes\n"
      "\n"
      "Generated from the table in [base/errc.h](../base/errc.h); a test holds the two equal. The\n"
      "numbers are those of `Error.code` on the wire ([protocol.md](protocol.md)) and are never\n"
      "reused.\n"
      "\n"
      "- **retry**: *yes*: the same request may succeed later; *no*: it will fail again "
      "unchanged.\n"
      "- **outcome**: *not done*: the operation certainly had no effect; *maybe done*: it may "
      "have\n"
      "  been carried out.\n"
      "\n"
      "| number | name | retry | outcome | meaning |\n"
      "|---|---|---|---|---|\n";
  for (const ErrcInfo& row : errc_table()) {
    text += "| " + std::to_string(row.number) + " | " + std::string(row.name) + " | " +
            (row.code == Errc::kOk        ? "-"
             : row.retry == Retry::kRetry ? "yes"
                                          : "no") +
            " | " +
            (row.code == Errc::kOk                ? "-"
             : row.outcome == Outcome::kMaybeDone ? "maybe done"
                                                  : "not done") +
            " | " + std::string(row.meaning) + " |\n";
  }
  return text;
}

TEST(ErrorsDocument, IsWhatTheTableSays) {
  const char* source = std::getenv("PENSTOCK_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest, or with PENSTOCK_SOURCE_DIR set";
  const std::string path = std::string(source) + "/docs/ERRORS.md";
  if (std::getenv("PENSTOCK_REWRITE") != nullptr) std::ofstream(path) << errors_document();
  std::ifstream in(path);
  const std::string found{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(found, errors_document()) << "run this test with PENSTOCK_REWRITE=1";
}

}  // namespace
}  // namespace penstock
