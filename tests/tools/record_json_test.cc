#include "tools/record_json.h"

#include <gtest/gtest.h>

#include "tests/tools/sample_record.h"
#include "tools/json_text.h"

namespace penstock::tools {
namespace {

// What stands behind topic, partition, offset and timestamp.
std::string json_of(const SampleRecord& record) {
  std::string out;
  append_record_json(record.located(), out);
  EXPECT_TRUE(check_json(out)) << out;
  EXPECT_EQ(out.find('\n'), std::string::npos) << out;
  const std::string place =
      R"({"topic":"orders","partition":3,"offset":17,"timestamp":1714566600000,)";
  EXPECT_TRUE(out.starts_with(place)) << out;
  return out.substr(place.size());
}

TEST(RecordJsonTest, AJsonValueIsEmbedded) {
  EXPECT_EQ(json_of({"k", R"({"mag":2.50})"}), R"("key":"k","value":{"mag":2.50}})");
  EXPECT_EQ(json_of({"k", "17"}), R"("key":"k","value":17})");
}

TEST(RecordJsonTest, AJsonValueOfSeveralLinesBecomesOne) {
  EXPECT_EQ(json_of({"k", "{\n  \"a\": 1\n}"}), R"("key":"k","value":{"a":1}})");
}

TEST(RecordJsonTest, TextIsMarkedSoThatItIsNotTakenForAJsonString) {
  EXPECT_EQ(json_of({"k", "hello\n"}), R"("key":"k","value":"hello\n","value_encoding":"text"})");
  EXPECT_EQ(json_of({"k", "\"hello\""}), R"("key":"k","value":"hello"})");
  EXPECT_EQ(json_of({"k", ""}), R"("key":"k","value":"","value_encoding":"text"})");
}

TEST(RecordJsonTest, OtherBytesAreBase64) {
  EXPECT_EQ(json_of({"\xff", "\xff\xfe\xfd"}),
            R"("key":"/w==","key_encoding":"base64","value":"//79","value_encoding":"base64"})");
}

TEST(RecordJsonTest, NullIsNull) {
  EXPECT_EQ(json_of({std::nullopt, std::nullopt}), R"("key":null,"value":null})");
}

TEST(RecordJsonTest, HeadersKeepTheirOrder) {
  const SampleRecord record("k", "1",
                            {{"b", as_bytes("x")}, {"a", std::nullopt}, {"b", as_bytes("\xff")}});
  EXPECT_EQ(json_of(record),
            R"("key":"k","value":1,"headers":[{"name":"b","value":"x"},{"name":"a","value":null},)"
            R"({"name":"b","value":"/w==","encoding":"base64"}]})");
}

}  // namespace
}  // namespace penstock::tools
