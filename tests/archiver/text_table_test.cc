// Aligned tables.
#include "archiver/text_table.h"

#include <gtest/gtest.h>

namespace penstock::archiver {
namespace {

TEST(TextTableTest, ColumnsAreAsWideAsTheirWidestCell) {
  TextTable table({{"name", Align::kLeft}, {"n", Align::kRight}});
  table.add({"a", "1"});
  table.add({"longer", "1000"});
  EXPECT_EQ(table.render(),
            "name       n\n"
            "------  ----\n"
            "a          1\n"
            "longer  1000\n");
}

TEST(TextTableTest, WidthCountsCodePoints) {
  TextTable table({{"ä", Align::kRight}, {"b", Align::kLeft}});
  table.add({"äöü", "x"});
  EXPECT_EQ(table.render(), "  ä  b\n---  -\näöü  x\n");
}

TEST(TextTableTest, TheWidestColumnIsShortenedToFit) {
  TextTable table({{"id", Align::kLeft}, {"text", Align::kLeft}});
  table.add({"1", "ääääääääääää"});
  EXPECT_EQ(table.render(12),
            "id  text\n"
            "--  --------\n"
            "1   äääääää…\n");
}

TEST(TextTableTest, ControlCharactersAreShownAndNotSent) {
  TextTable table({{"a\tb", Align::kLeft}});
  table.add({"x\ny\x1b[0m"});
  EXPECT_EQ(table.render(), "a\\x09b\n-------------\nx\\x0ay\\x1b[0m\n");
}

TEST(TextTableTest, NoColumnsNoText) { EXPECT_EQ(TextTable({}).render(), ""); }

}  // namespace
}  // namespace penstock::archiver
