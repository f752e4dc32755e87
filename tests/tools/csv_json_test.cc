#include "tools/csv_json.h"

#include <gtest/gtest.h>

#include <optional>

namespace penstock::tools {
namespace {

// A header and one row, as JSON; or why not.
std::string converted(std::string text, CsvTypes types = CsvTypes::kAuto,
                      std::string_view key_field = "") {
  TextSource source(std::move(text));
  CsvReader reader(source);
  CsvRow header;
  CsvRow row;
  EXPECT_TRUE(*reader.next(header));
  const auto writer = CsvObjectWriter::open(header, types, key_field);
  if (!writer) return "header: " + writer.error().message();
  EXPECT_TRUE(*reader.next(row));
  std::string out;
  if (const Status status = writer->append(row, out); !status) return status.error().message();
  if (!key_field.empty()) out = std::string(writer->key(row).value_or("no key")) + " " + out;
  return out;
}

TEST(CsvJsonTest, TheHeaderNamesTheMembers) {
  EXPECT_EQ(converted("name,species\nOak,Quercus\n"), R"({"name":"Oak","species":"Quercus"})");
}

TEST(CsvJsonTest, PlainNumbersStayAsTheyAreWritten) {
  EXPECT_EQ(converted("a,b,c,d\n300,-1.50,1e3,0\n"), R"({"a":300,"b":-1.50,"c":1e3,"d":0})");
}

TEST(CsvJsonTest, WhatOnlyLooksLikeANumberIsText) {
  EXPECT_EQ(
      converted("zip,date,phone,id,hex,inf\n00123,1990-01-08,+49,12345678901234567,0x1,inf\n"),
      R"({"zip":"00123","date":"1990-01-08","phone":"+49","id":"12345678901234567",)"
      R"("hex":"0x1","inf":"inf"})");
}

TEST(CsvJsonTest, QuotesMakeTextAndNothingIsNull) {
  EXPECT_EQ(converted("a,b,c\n\"300\",,\"\"\n"), R"({"a":"300","b":null,"c":""})");
}

TEST(CsvJsonTest, OnRequestEverythingIsText) {
  EXPECT_EQ(converted("a,b\n300,\n", CsvTypes::kText), R"({"a":"300","b":""})");
}

TEST(CsvJsonTest, MessyTextIsEscaped) {
  EXPECT_EQ(converted("a\n\"tab\t, \"\"quote\"\", back\\slash,\nnewline \x01\"\n"),
            R"({"a":"tab\t, \"quote\", back\\slash,\nnewline \u0001"})");
  EXPECT_EQ(converted("a\ncaf\xe9\n"), "the field 'a' is no UTF-8");
}

TEST(CsvJsonTest, ARowOfAnotherLengthIsRefused) {
  EXPECT_EQ(converted("a,b\n1\n"), "has 1 fields, but the header has 2");
  EXPECT_EQ(converted("a,b\n1,2,3\n"), "has 3 fields, but the header has 2");
}

TEST(CsvJsonTest, TheKeyIsTheColumnsText) {
  EXPECT_EQ(converted("id,x\n007,1\n", CsvTypes::kAuto, "id"), R"(007 {"id":"007","x":1})");
  EXPECT_EQ(converted("id,x\n,1\n", CsvTypes::kAuto, "id"), R"(no key {"id":null,"x":1})");
}

TEST(CsvJsonTest, AHeaderMustNameEveryColumnOnce) {
  EXPECT_EQ(converted("a,,c\n"), "header: column 2 of the header has no name");
  EXPECT_EQ(converted("a,b,a\n"), "header: column 3 of the header repeats the name 'a'");
  EXPECT_EQ(converted("name,species\n", CsvTypes::kAuto, "nmae"),
            "header: the header has no column 'nmae'; did you mean 'name'?");
}

}  // namespace
}  // namespace penstock::tools
