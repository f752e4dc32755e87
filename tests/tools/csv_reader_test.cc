#include "tools/csv_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace penstock::tools {
namespace {

using ::testing::ElementsAre;

// Every row as "line:field|field", quoted fields in <>; a refused one as "line!".
std::vector<std::string> rows_of(std::string text, std::size_t limit = 1000,
                                 std::size_t piece = SIZE_MAX, char delimiter = ',') {
  TextSource source(std::move(text), piece);
  CsvReader reader(source, delimiter, limit);
  CsvRow row;
  std::vector<std::string> rows;
  while (true) {
    const auto found = reader.next(row);
    if (!found) {
      rows.push_back(std::to_string(reader.row_line()) + "!");
      continue;
    }
    if (!*found) return rows;
    std::string shown = std::to_string(row.line()) + ":";
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) shown += '|';
      shown += row.quoted(i) ? "<" + std::string(row.field(i)) + ">" : std::string(row.field(i));
    }
    rows.push_back(shown);
  }
}

TEST(CsvReaderTest, FieldsAndRows) {
  EXPECT_THAT(rows_of("a,b\n1,2\r\n3,\n"), ElementsAre("1:a|b", "2:1|2", "3:3|"));
  EXPECT_THAT(rows_of("a,b\n1,2"), ElementsAre("1:a|b", "2:1|2"));
  EXPECT_THAT(rows_of(",\n"), ElementsAre("1:|"));
  EXPECT_THAT(rows_of(","), ElementsAre("1:|"));
  EXPECT_THAT(rows_of(""), ElementsAre());
}

TEST(CsvReaderTest, QuotedFieldsHoldDelimitersQuotesAndLineEnds) {
  EXPECT_THAT(rows_of("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\nnext,x,y\n"),
              ElementsAre("1:<a,b>|<say \"hi\">|<two\nlines>", "3:next|x|y"));
  EXPECT_THAT(rows_of("\"\",x\r\n\"a\r\nb\",y\r\n"), ElementsAre("1:<>|x", "2:<a\r\nb>|y"));
  EXPECT_THAT(rows_of("x,\"end\""), ElementsAre("1:x|<end>"));
  EXPECT_THAT(rows_of("\"\""), ElementsAre("1:<>"));
}

TEST(CsvReaderTest, AQuoteInsideAnUnquotedFieldIsText) {
  EXPECT_THAT(rows_of("5\" pipe,O'HARE \"INTL\"\n"), ElementsAre("1:5\" pipe|O'HARE \"INTL\""));
}

TEST(CsvReaderTest, BlanksBelongToTheField) {
  EXPECT_THAT(rows_of(" a , b \n"), ElementsAre("1: a | b "));
}

TEST(CsvReaderTest, EmptyLinesArePassedOverButCounted) {
  EXPECT_THAT(rows_of("a\n\n\r\nb\n\n"), ElementsAre("1:a", "4:b"));
}

TEST(CsvReaderTest, AByteOrderMarkIsNoText) {
  EXPECT_THAT(rows_of("\xef\xbb\xbf"
                      "a,b\n"),
              ElementsAre("1:a|b"));
  EXPECT_THAT(rows_of("\xef\xbb\xbf"
                      "\"a\",b\n"),
              ElementsAre("1:a|b"));
}

TEST(CsvReaderTest, OtherDelimiters) {
  EXPECT_THAT(rows_of("a;b,c\n", 1000, SIZE_MAX, ';'), ElementsAre("1:a|b,c"));
  EXPECT_THAT(rows_of("a\tb\n", 1000, SIZE_MAX, '\t'), ElementsAre("1:a|b"));
}

TEST(CsvReaderTest, TextBehindAClosingQuoteIsRefusedAndTheNextRowRead) {
  EXPECT_THAT(rows_of("a\n\"b\"c,d\ne\n"), ElementsAre("1:a", "2!", "3:e"));
  EXPECT_THAT(rows_of("\"b\"\rc\ne\n"), ElementsAre("1!", "2:e"));
}

TEST(CsvReaderTest, AQuoteThatIsNeverClosedIsReportedWhereItsRowBegins) {
  EXPECT_THAT(rows_of("a\nb,\"open\nc\nd\n"), ElementsAre("1:a", "2!"));
}

TEST(CsvReaderTest, ARowOverTheLimitIsRefusedAndTheNextOneRead) {
  EXPECT_THAT(rows_of("ab,cd\nabc,def\nx,y\n", 5), ElementsAre("1:ab|cd", "2!", "3:x|y"));
}

TEST(CsvReaderTest, ItDoesNotMatterInWhatPiecesTheInputComes) {
  const std::string text =
      "\xef\xbb\xbf"
      "a,\"b\"\"\r\n,\",c\r\n\n\"x\"y\n1,2,3";
  const auto whole = rows_of(text);
  ASSERT_EQ(whole.size(), 3U);
  for (std::size_t piece = 1; piece < 10; ++piece) EXPECT_EQ(rows_of(text, 1000, piece), whole);
}

TEST(CsvReaderTest, ReadsTheBirdStrikes) {
  const char* root = std::getenv("PENSTOCK_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  std::ifstream file(std::string(root) + "/examples/data/birdstrikes.csv", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  TextSource source(text.str());
  CsvReader reader(source);
  CsvRow row;
  std::size_t rows = 0;
  while (*reader.next(row)) {
    ++rows;
    ASSERT_EQ(row.size(), 14U) << "line " << row.line();
  }
  EXPECT_EQ(rows, 10'001U);
  EXPECT_EQ(reader.bytes_consumed(), text.str().size());
}

}  // namespace
}  // namespace penstock::tools
