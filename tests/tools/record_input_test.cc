#include "tools/record_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Walk {
  std::vector<std::string> seen;  // "line[key]value", or "!message" for a bad line
  std::vector<std::uint64_t> resume_lines;
};

Walk walk(std::string text, const InputOptions& options) {
  TextSource source(std::move(text), 7);
  const auto input = open_record_input(source, options);
  Walk walk;
  while (true) {
    const auto record = input->next();
    if (!record) {
      walk.seen.push_back("!" + record.error().message());
      if (!input->is_bad_line()) {
        walk.seen.push_back("final");
        return walk;
      }
    } else if (*record) {
      const InputRecord& found = **record;
      walk.seen.push_back(std::to_string(found.line) + "[" + std::string(found.key.value_or("-")) +
                          "]" + std::string(found.value));
    } else {
      return walk;
    }
    walk.resume_lines.push_back(input->resume_line());
  }
}

TEST(RecordInputTest, LinesArePublishedAsTheyAre) {
  EXPECT_THAT(walk("a\n\n {b \r\nlast", {.format = InputFormat::kLines}).seen,
              ElementsAre("1[-]a", "2[-]", "3[-] {b ", "4[-]last"));
}

TEST(RecordInputTest, NdjsonIsCheckedButNotRewritten) {
  EXPECT_THAT(walk("{ \"a\" : 1.0 }\r\n\n  \n[2]\n", {.format = InputFormat::kNdjson}).seen,
              ElementsAre("1[-]{ \"a\" : 1.0 }", "4[-][2]"));
}

TEST(RecordInputTest, AFieldOfTheObjectBecomesTheKey) {
  EXPECT_THAT(walk("{\"id\":\"x\"}\n{\"id\":7}\n{\"id\":null}\n",
                   {.format = InputFormat::kNdjson, .key_field = "id"})
                  .seen,
              ElementsAre("1[x]{\"id\":\"x\"}", "2[7]{\"id\":7}", "3[-]{\"id\":null}"));
}

TEST(RecordInputTest, AMalformedLineIsNamedAndTheNextOneRead) {
  const Walk found = walk("{\"a\":1}\n{\"a\":\n{\"b\":2}\n", {.format = InputFormat::kNdjson});
  EXPECT_THAT(
      found.seen,
      ElementsAre("1[-]{\"a\":1}", "!line 2: JSON ends in the middle of a value", "3[-]{\"b\":2}"));
  // Going on after the first record, at the bad line itself, and after the last one.
  EXPECT_THAT(found.resume_lines, ElementsAre(2, 2, 4));
}

TEST(RecordInputTest, AMissingKeyFieldMakesALineBad) {
  EXPECT_THAT(walk("{\"a\":1}\n", {.format = InputFormat::kNdjson, .key_field = "id"}).seen,
              ElementsAre("!line 1: the object has no field 'id'"));
}

TEST(RecordInputTest, AnOverlongLineIsBad) {
  EXPECT_THAT(walk("123456\n12\n", {.format = InputFormat::kLines, .max_record_bytes = 5}).seen,
              ElementsAre("!line 1: longer than 5 bytes", "2[-]12"));
}

TEST(RecordInputTest, ReadingCanBeginAtALaterLine) {
  EXPECT_THAT(walk("{bad\n{}\n[]\n", {.format = InputFormat::kNdjson, .from_line = 3}).seen,
              ElementsAre("3[-][]"));
  EXPECT_THAT(
      walk("123456\n1\n", {.format = InputFormat::kLines, .from_line = 2, .max_record_bytes = 5})
          .seen,
      ElementsAre("2[-]1"));
}

TEST(RecordInputTest, CsvRowsBecomeObjects) {
  const Walk found =
      walk("id,name\n1,\"two\nlines\"\n2,x\n", {.format = InputFormat::kCsv, .key_field = "id"});
  EXPECT_THAT(found.seen, ElementsAre("2[1]{\"id\":1,\"name\":\"two\\nlines\"}",
                                      "4[2]{\"id\":2,\"name\":\"x\"}"));
  EXPECT_THAT(found.resume_lines, ElementsAre(4, 5));
}

TEST(RecordInputTest, ABadCsvRowIsNamedByItsLine) {
  const Walk found = walk("a,b\n1,2\n3\n4,5\n", {.format = InputFormat::kCsv});
  EXPECT_THAT(found.seen,
              ElementsAre("2[-]{\"a\":1,\"b\":2}", "!line 3: has 1 fields, but the header has 2",
                          "4[-]{\"a\":4,\"b\":5}"));
  EXPECT_THAT(found.resume_lines, ElementsAre(3, 3, 5));
}

TEST(RecordInputTest, CsvCanBeginAtALaterLineAndStillKnowsItsColumns) {
  EXPECT_THAT(walk("a,b\nbad\n3,4\n", {.format = InputFormat::kCsv, .from_line = 3}).seen,
              ElementsAre("3[-]{\"a\":3,\"b\":4}"));
}

TEST(RecordInputTest, AHeaderThatCannotBeUsedIsFinal) {
  EXPECT_THAT(walk("a,a\n1,2\n", {.format = InputFormat::kCsv}).seen,
              ElementsAre(HasSubstr("repeats the name 'a'"), "final"));
}

TEST(RecordInputTest, NothingIsNoRecord) {
  for (const InputFormat format : {InputFormat::kLines, InputFormat::kNdjson, InputFormat::kCsv}) {
    EXPECT_THAT(walk("", {.format = format}).seen, IsEmpty());
  }
  EXPECT_THAT(walk("a,b\n", {.format = InputFormat::kCsv}).seen, IsEmpty());
}

TEST(RecordInputTest, FormatsHaveNames) {
  EXPECT_EQ(*input_format_from_name("csv"), InputFormat::kCsv);
  EXPECT_FALSE(input_format_from_name("json"));
}

}  // namespace
}  // namespace penstock::tools
