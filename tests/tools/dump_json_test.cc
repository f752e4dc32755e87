// What `penstock dump --json` prints; scripts rely on the names.
#include "tools/dump_json.h"

#include <gtest/gtest.h>

#include "tools/json_text.h"

namespace penstock::tools {
namespace {

std::string json(std::string_view line) {
  const std::string text = dump_line_json("orders", PartitionId(3), line);
  EXPECT_TRUE(check_json(text)) << text;
  constexpr std::string_view kPrefix = R"({"topic":"orders","partition":3,)";
  EXPECT_TRUE(text.starts_with(kPrefix)) << text;
  return text.substr(std::min(kPrefix.size(), text.size()));
}

TEST(DumpJson, FieldsBecomeMembersAndBareWordsAreTrue) {
  EXPECT_EQ(json("  batch offsets=5..9 position=100 codec=lz4 crc=4294967295 control"),
            R"("type":"batch","first_offset":5,"last_offset":9,"position":100,"codec":"lz4",)"
            R"("crc":4294967295,"control":true})");
  EXPECT_EQ(json("checkpoint none"), R"("type":"checkpoint","none":true})");
  EXPECT_EQ(json("segment base=0 file_bytes=12"), R"("type":"segment","base":0,"file_bytes":12})");
}

TEST(DumpJson, NumbersThatSomeReadersWouldRoundAreStrings) {
  EXPECT_EQ(json("  run digest=18446744073709551615"),
            R"("type":"run","digest":"18446744073709551615"})");
}

TEST(DumpJson, WhoseAFileSaysItIsDoesNotHideWhoseItsFolderIs) {
  EXPECT_EQ(json("  index entries=1 topic=00ff partition=4"),
            R"("type":"index","entries":1,"file_topic_id":"00ff","file_partition":4})");
}

TEST(DumpJson, SentencesStayWhole) {
  EXPECT_EQ(json("  PROBLEM damaged offsets=1..2: \"bad\" checksum"),
            R"("type":"problem","what":"damaged offsets=1..2: \"bad\" checksum"})");
  EXPECT_EQ(json("note: unknown file x=1"), R"("type":"note","what":"unknown file x=1"})");
  EXPECT_EQ(json("  end offset=7 position=90 stopped: checksum of offsets=7..9"),
            R"("type":"end","offset":7,"position":90,"stopped":"checksum of offsets=7..9"})");
  EXPECT_EQ(json("  tail torn_bytes=61 (never acknowledged, or being written)"),
            R"("type":"tail","torn_bytes":61})");
}

TEST(DumpJson, NoLineMakesBrokenJson) {
  for (const std::string_view line : {"", " ", "x", "=", "a=", "=b", "offsets=1", "offsets=..",
                                      "PROBLEM", "a b=c \xff=\xfe", "x (", "stopped:"}) {
    const std::string text = dump_line_json("a\"b", PartitionId(0), line);
    EXPECT_TRUE(check_json(text)) << line << " -> " << text;
  }
}

}  // namespace
}  // namespace penstock::tools
