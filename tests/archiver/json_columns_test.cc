// Which columns the structure of JSON objects becomes.
#include "archiver/json_columns.h"

#include <gmock/gmock.h>

#include "archiver/limits.h"

namespace penstock::archiver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> names(const JsonColumns& columns) {
  std::vector<std::string> found;
  for (const auto& column : columns.columns) found.push_back(column.name);
  return found;
}

TEST(JsonColumnsTest, AFieldIsAColumnOfItsType) {
  const auto columns = json_columns(R"({"id":"VARCHAR","mag":"DOUBLE"})", {});
  EXPECT_THAT(names(columns), ElementsAre("id", "mag"));
  EXPECT_EQ(columns.columns[1].expression, "struct_extract(fields, 'mag')");
  EXPECT_EQ(columns.structure, R"({"id":"VARCHAR","mag":"DOUBLE"})");
}

TEST(JsonColumnsTest, WhatIsNoObjectHasNoColumns) {
  for (const char* structure : {"", "\"VARCHAR\"", "[\"BIGINT\"]", "\"NULL\"", "null", "{"}) {
    EXPECT_THAT(json_columns(structure, {}).columns, IsEmpty()) << structure;
  }
}

TEST(JsonColumnsTest, UnsignedNumbersAndNullsGetTypesThatCanBeUsed) {
  EXPECT_EQ(
      json_columns(R"({"n":"UBIGINT","z":"NULL","l":["NULL"],"UBIGINT":"JSON"})", {}).structure,
      R"({"n":"BIGINT","z":"VARCHAR","l":["VARCHAR"],"UBIGINT":"JSON"})");
}

TEST(JsonColumnsTest, TakenNamesAndNamesThatDifferOnlyInCaseAreNumbered) {
  const auto columns = json_columns(
      R"({"_OFFSET":"VARCHAR","a":"BIGINT","A":"DOUBLE","a_2":"BIGINT"})", {"_offset"});
  EXPECT_THAT(names(columns), ElementsAre("_OFFSET_2", "a", "A_2", "a_2_2"));
  EXPECT_EQ(columns.columns[2].expression,
            "json_transform(json_extract(text, '/A'), '\"DOUBLE\"')");
}

TEST(JsonColumnsTest, AStructThatTheEngineCannotHoldStaysJson) {
  EXPECT_EQ(
      json_columns(R"({"x":{"a":"BIGINT","A":"BIGINT"},"y":{"":"BIGINT"},"z":{}})", {}).structure,
      R"({"x":"JSON","y":"JSON","z":"JSON"})");
}

TEST(JsonColumnsTest, KeysAreQuotedForSqlAndForPointers) {
  const auto columns =
      json_columns(R"({"it's":"BIGINT","":"BIGINT","a/b~":"JSON","A/B~":"JSON"})", {});
  EXPECT_EQ(columns.columns[0].expression, "struct_extract(fields, 'it''s')");
  EXPECT_EQ(columns.columns[1].expression, "json_transform(json_extract(text, '/'), '\"BIGINT\"')");
  EXPECT_EQ(columns.columns[3].expression,
            "json_transform(json_extract(text, '/A~1B~0'), '\"JSON\"')");
}

TEST(JsonColumnsTest, AnObjectUsedAsAMapIsBounded) {
  std::string structure = "{";
  for (int i = 0; i < 3000; ++i) {
    structure += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":\"BIGINT\"";
  }
  structure += "}";
  EXPECT_THAT(json_columns(structure, {}).columns, SizeIs(kMaxJsonColumns));
  EXPECT_EQ(json_columns("{\"m\":" + structure + "}", {}).structure, R"({"m":"JSON"})");
}

TEST(JsonColumnsTest, DeepNestingStaysJson) {
  std::string structure = "\"BIGINT\"";
  for (int i = 0; i < 20; ++i) structure = "{\"n\":" + structure + "}";
  const auto columns = json_columns(structure, {});
  ASSERT_THAT(columns.columns, SizeIs(1));
  EXPECT_NE(columns.structure.find("JSON"), std::string::npos);
}

}  // namespace
}  // namespace penstock::archiver
