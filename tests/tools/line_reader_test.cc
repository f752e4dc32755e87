#include "tools/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::ElementsAre;

// Every line as "number:text", a refused one as "number!".
std::vector<std::string> lines_of(std::string text, std::size_t limit = 1000,
                                  std::size_t piece = SIZE_MAX) {
  TextSource source(std::move(text), piece);
  LineReader reader(source, limit);
  std::vector<std::string> lines;
  while (true) {
    const auto line = reader.next();
    if (!line) {
      EXPECT_EQ(line.error().code(), Errc::kRecordTooLarge);
      lines.push_back(std::to_string(reader.line_number()) + "!");
    } else if (*line) {
      lines.push_back(std::to_string((*line)->number) + ":" + std::string((*line)->text));
    } else {
      return lines;
    }
  }
}

TEST(LineReaderTest, LinesEndWithLineFeedOrCarriageReturnLineFeed) {
  EXPECT_THAT(lines_of("a\nbb\r\nccc\n"), ElementsAre("1:a", "2:bb", "3:ccc"));
}

TEST(LineReaderTest, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(lines_of("a\nb"), ElementsAre("1:a", "2:b"));
}

TEST(LineReaderTest, EmptyLinesAreLines) {
  EXPECT_THAT(lines_of("\n\na\n\n"), ElementsAre("1:", "2:", "3:a", "4:"));
  EXPECT_THAT(lines_of(""), ElementsAre());
}

TEST(LineReaderTest, ACarriageReturnInsideALineStays) {
  EXPECT_THAT(lines_of("a\rb\r\r\n"), ElementsAre("1:a\rb\r"));
}

TEST(LineReaderTest, AByteOrderMarkIsNoText) {
  EXPECT_THAT(lines_of("\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n"),
              ElementsAre("1:{}", "2:\xef\xbb\xbf{}"));
}

TEST(LineReaderTest, ZeroBytesAreText) {
  EXPECT_THAT(lines_of(std::string("a\0b\n", 4)), ElementsAre(std::string("1:a\0b", 5)));
}

TEST(LineReaderTest, ALineOverTheLimitIsRefusedAndTheNextOneRead) {
  EXPECT_THAT(lines_of("12345\n123456\n1\n", 5), ElementsAre("1:12345", "2!", "3:1"));
  EXPECT_THAT(lines_of("12345\r\n123456\r\n1", 5), ElementsAre("1:12345", "2!", "3:1"));
  EXPECT_THAT(lines_of("1\n" + std::string(5'000'000, 'x') + "\n2\n", 5),
              ElementsAre("1:1", "2!", "3:2"));
  EXPECT_THAT(lines_of("1\n" + std::string(5'000'000, 'x'), 5), ElementsAre("1:1", "2!"));
}

TEST(LineReaderTest, ItDoesNotMatterInWhatPiecesTheInputComes) {
  const std::string text = "a\r\nbb\n" + std::string(40, 'y') + "\n\nend";
  const auto whole = lines_of(text, 20);
  for (std::size_t piece = 1; piece < 12; ++piece) EXPECT_EQ(lines_of(text, 20, piece), whole);
}

TEST(LineReaderTest, CountsTheBytesThatItTook) {
  TextSource source("a\r\nbcd\nlast");
  LineReader reader(source);
  (void)reader.next();
  EXPECT_EQ(reader.bytes_consumed(), 3U);
  (void)reader.next();
  EXPECT_EQ(reader.bytes_consumed(), 7U);
  (void)reader.next();
  EXPECT_EQ(reader.bytes_consumed(), 11U);
}

class BrokenSource final : public ByteSource {
 public:
  Result<std::size_t> read(MutableByteView) override { return fail(Errc::kIoError, "unplugged"); }
};

TEST(LineReaderTest, AnErrorOfTheInputIsPassedOn) {
  BrokenSource source;
  LineReader reader(source);
  const auto line = reader.next();
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code(), Errc::kIoError);
}

}  // namespace
}  // namespace penstock::tools
