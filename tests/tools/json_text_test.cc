#include "tools/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::HasSubstr;

std::string fault(std::string_view text) {
  const Status status = check_json(text);
  return status ? "" : status.error().message();
}

TEST(JsonTextTest, AnyCompleteValueIsJson) {
  for (const std::string_view text :
       {"{}", "[]", "null", "true", "-1.5e-7", "\"x\"", R"({"a":[1,{"b":"\u00e9"}]})", " {} ",
        "123456789012345678901234567890"}) {
    EXPECT_EQ(fault(text), "") << text;
  }
}

TEST(JsonTextTest, FaultsAreNamedAndPlaced) {
  EXPECT_EQ(fault(""), "no JSON: empty");
  EXPECT_EQ(fault("   "), "no JSON: empty");
  EXPECT_EQ(fault(R"({"a":1)"), "JSON ends in the middle of a value");
  EXPECT_EQ(fault(R"({"a":1} {"b":2})"), "more text behind the JSON value, at byte 9");
  EXPECT_THAT(fault(R"({"a":1,})"), HasSubstr("at byte 8"));
  EXPECT_THAT(fault("{a:1}"), HasSubstr("at byte 2"));
  EXPECT_THAT(fault("nope"), HasSubstr("no JSON"));
  EXPECT_THAT(fault("01"), HasSubstr("at byte 2"));
  EXPECT_THAT(fault("NaN"), HasSubstr("no JSON"));
}

TEST(JsonTextTest, TextMustBeUtf8) { EXPECT_NE(fault("\"caf\xe9\""), ""); }

TEST(JsonTextTest, EveryTruncationOfAnObjectIsRefused) {
  const std::string text = R"({"a":[1,2.5,"x\n"],"b":null,"c":{"d":true}})";
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(check_json(text.substr(0, size))) << text.substr(0, size);
  }
  EXPECT_TRUE(check_json(text));
}

TEST(JsonTextTest, ABombOfBracketsIsRefused) {
  EXPECT_THAT(fault(std::string(100'000, '[')), HasSubstr("deeper than 100 levels"));
}

std::string field(std::string_view text, std::string_view name) {
  const auto value = json_field(text, name);
  if (!value) return "fault: " + value.error().message();
  return value->value_or("null");
}

TEST(JsonTextTest, FindsAFieldAsText) {
  EXPECT_EQ(field(R"({"id":"ci37868143","mag":2})", "id"), "ci37868143");
  EXPECT_EQ(field(R"({"id":17})", "id"), "17");
  EXPECT_EQ(field(R"({"id":1.50})", "id"), "1.50");
  EXPECT_EQ(field(R"({"id":-12345678901234567890})", "id"), "-12345678901234567890");
  EXPECT_EQ(field(R"({"id":true})", "id"), "true");
  EXPECT_EQ(field(R"({"id":"a\u00e9\n\"b"})", "id"), "a\xc3\xa9\n\"b");
  EXPECT_EQ(field(R"({"id":""})", "id"), "");
}

TEST(JsonTextTest, NullIsNoKey) { EXPECT_EQ(*json_field(R"({"id":null})", "id"), std::nullopt); }

TEST(JsonTextTest, OnlyTheOutermostObjectIsSearched) {
  EXPECT_EQ(field(R"({"a":{"id":1},"b":[{"id":2}],"id":3,"c":{"id":4}})", "id"), "3");
  EXPECT_EQ(field(R"({"a":{"id":1}})", "id"), "fault: the object has no field 'id'");
  EXPECT_EQ(field(R"({"x":"id"})", "id"), "fault: the object has no field 'id'");
}

TEST(JsonTextTest, EscapesInNamesAreDecoded) { EXPECT_EQ(field(R"({"\u0069d":"x"})", "id"), "x"); }

TEST(JsonTextTest, OfARepeatedFieldTheLastCounts) {
  EXPECT_EQ(field(R"({"id":1,"id":2})", "id"), "2");
}

TEST(JsonTextTest, WhatCannotBeAKeyIsRefused) {
  EXPECT_THAT(field(R"({"id":[1]})", "id"), HasSubstr("cannot be a key"));
  EXPECT_THAT(field(R"({"id":{}})", "id"), HasSubstr("cannot be a key"));
  EXPECT_THAT(field("[1]", "id"), HasSubstr("no object"));
  EXPECT_THAT(field("\"id\"", "id"), HasSubstr("no object"));
  EXPECT_THAT(field("[{\"id\":1}]", "id"), HasSubstr("no object"));
}

TEST(JsonTextTest, CompactionKeepsEverythingButSpaceBetweenTokens) {
  std::string out;
  append_compact_json(out, "{ \"a b\" : [ 1 ,\n\t2.50 ] , \"q\\\" \\\\\" : \" x \" }\r\n");
  EXPECT_EQ(out, R"({"a b":[1,2.50],"q\" \\":" x "})");
}

TEST(JsonTextTest, StringsAreEscapedOnlyWhereTheyMustBe) {
  std::string out;
  append_json_string(out, "caf\xc3\xa9 \"x\" \\ / \n\x1f");
  EXPECT_EQ(out, "\"caf\xc3\xa9 \\\"x\\\" \\\\ / \\n\\u001f\"");
  EXPECT_TRUE(check_json(out));
}

TEST(JsonTextTest, Base64AsInRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace penstock::tools
