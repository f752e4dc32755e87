#include "tools/output_table.h"

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

TEST(OutputTableTest, AlignsWordsLeftAndNumbersRight) {
  OutputTable table({{"TOPIC"}, {"PARTITIONS", Align::kRight}, {"SIZE", Align::kRight}});
  table.add_row({"flights", "12", "1.2 MB"});
  table.add_row({"a", "1", "0 B"});
  EXPECT_EQ(table.render(),
            "TOPIC    PARTITIONS    SIZE\n"
            "flights          12  1.2 MB\n"
            "a                 1     0 B\n");
}

TEST(OutputTableTest, NothingStandsBehindTheLastColumn) {
  OutputTable table({{"A"}, {"B"}});
  table.add_row({"long value", ""});
  table.add_row({"x", "y"});
  EXPECT_EQ(table.render(), "A           B\nlong value\nx           y\n");
}

TEST(OutputTableTest, AccentsDoNotShiftTheColumns) {
  OutputTable table({{"PLACE"}, {"N", Align::kRight}});
  table.add_row({"Volc\xc3\xa1n", "1"});
  table.add_row({"Castaic", "22"});
  EXPECT_EQ(table.render(), "PLACE     N\nVolc\xc3\xa1n    1\nCastaic  22\n");
}

TEST(OutputTableTest, CellsCannotCommandTheTerminal) {
  OutputTable table({{"V"}});
  table.add_row({"a\x1b[2Jb\n\t\xff\xc2\x9b"});
  EXPECT_EQ(table.render(), "V\na\\x1b[2Jb\\n\\t??\n");
}

TEST(OutputTableTest, ALongCellIsCutBetweenCodePointsButNotInTheLastColumn) {
  OutputTable table({{"V"}, {"W"}});
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "\xc3\xa1";
  table.add_row({accents, accents});
  std::string cut;
  for (int i = 0; i < 57; ++i) cut += "\xc3\xa1";
  EXPECT_EQ(table.render(), "V" + std::string(61, ' ') + "W\n" + cut + "...  " + accents + "\n");
}

TEST(OutputTableTest, MissingCellsAreEmpty) {
  OutputTable table({{"A"}, {"B"}});
  table.add_row({"x"});
  EXPECT_EQ(table.render(), "A  B\nx\n");
}

TEST(OutputTableTest, FiguresForPeople) {
  EXPECT_EQ(with_thousands(0), "0");
  EXPECT_EQ(with_thousands(999), "999");
  EXPECT_EQ(with_thousands(1000), "1,000");
  EXPECT_EQ(with_thousands(1234567), "1,234,567");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1 KB");
  EXPECT_EQ(human_bytes(613104), "613 KB");
  EXPECT_EQ(human_bytes(999999), "1 MB");
  EXPECT_EQ(human_bytes(1223329), "1.22 MB");
  EXPECT_EQ(human_seconds(0.417), "0.42 s");
  EXPECT_EQ(human_seconds(31.26), "31.3 s");
  EXPECT_EQ(human_seconds(125), "2 m 05 s");
  EXPECT_EQ(human_seconds(3725), "1 h 02 m");
}

}  // namespace
}  // namespace penstock::tools
