// Errors, ids and the API table on the wire.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>

#include "protocol/wire/api.h"
#include "protocol/wire/cluster.pb.h"
#include "protocol/wire/data.pb.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/groups.pb.h"
#include "protocol/wire/handshake.pb.h"
#include "protocol/wire/metadata.pb.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::wire {
namespace {

TEST(ErrorMessage, EveryCodeComesBack) {
  for (const ErrcInfo& row : errc_table()) {
    v1::Error message;
    to_wire(Error(row.code, "why"), message);
    EXPECT_EQ(message.code(), row.number) << row.name;
    EXPECT_EQ(from_wire(message).code(), row.code) << row.name;
    EXPECT_EQ(from_wire(message).message(), "why");
  }
}

TEST(ErrorMessage, AnUnknownNumberIsInternalAndKeepsItsText) {
  v1::Error message;
  message.set_code(64'999);
  message.set_message("from the future");
  EXPECT_EQ(from_wire(message).code(), Errc::kInternal);
  EXPECT_EQ(from_wire(message).message(), "from the future");
}

TEST(ErrorMessage, AbsentAndZeroAreSuccess) {
  v1::ProduceResponse response;
  EXPECT_TRUE(status_of(response));
  response.mutable_error();
  EXPECT_TRUE(status_of(response));
  set_error(response, Error(Errc::kDiskFull, "no space"));
  ASSERT_FALSE(status_of(response));
  EXPECT_EQ(status_of(response).error().to_string(), "DiskFull: no space");
}

TEST(ErrorMessage, TextOfAnyBytesParsesOnTheOtherSide) {
  const std::string hostile = "topic '\xff\xfe\xc0\x80\xed\xa0\x80' is \xf4\x90\x80\x80 unknown";
  v1::ProduceResponse response;
  set_error(response, Error(Errc::kUnknownTopic, hostile));
  v1::ProduceResponse parsed;
  ASSERT_TRUE(parsed.ParseFromString(response.SerializeAsString()));
  EXPECT_THAT(parsed.error().message(), testing::HasSubstr("unknown"));
}

TEST(ErrorMessage, GoodUtf8IsKept) {
  const std::string text = "größer als 1 €, \xf0\x9f\x98\x80";
  EXPECT_EQ(utf8_prefix(text, 1000), text);
}

TEST(ErrorMessage, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(utf8_prefix("abc€", 6), "abc€");
  EXPECT_EQ(utf8_prefix("abc€", 5), "abc");
  v1::Error message;
  to_wire(Error(Errc::kInternal, std::string(5000, 'x')), message);
  EXPECT_EQ(message.message().size(), kMaxErrorTextBytes);
}

TEST(ErrorResponse, ParsesAsEveryResponseOfTheProtocol) {
  v1::ErrorResponse error;
  set_error(error, Error(Errc::kUnsupported, "no such API"));
  const std::string bytes = error.SerializeAsString();
  std::size_t responses = 0;
  for (const auto* file :
       {v1::ProduceResponse::descriptor()->file(), v1::CreateTopicResponse::descriptor()->file(),
        v1::HandshakeResponse::descriptor()->file(), v1::JoinResponse::descriptor()->file(),
        v1::FindCoordinatorResponse::descriptor()->file()}) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      const auto* type = file->message_type(i);
      if (!type->name().ends_with("Response")) continue;
      ++responses;
      const auto* field = type->FindFieldByNumber(1);
      ASSERT_NE(field, nullptr) << type->name();
      EXPECT_EQ(field->name(), "error") << type->name();
      ASSERT_NE(field->message_type(), nullptr) << type->name();
      EXPECT_EQ(field->message_type()->full_name(), "penstock.wire.v1.Error") << type->name();
    }
  }
  EXPECT_EQ(responses, api_table().size());
  v1::FetchResponse fetched;
  ASSERT_TRUE(fetched.ParseFromString(bytes));
  EXPECT_EQ(status_of(fetched).error().code(), Errc::kUnsupported);
}

TEST(UuidBytes, ComeBack) {
  const Uuid id = *Uuid::parse("00112233445566778899aabbccddeeff");
  EXPECT_EQ(to_wire(id).size(), 16);
  EXPECT_EQ(*uuid_from_wire(to_wire(id), "topic_id"), id);
}

TEST(UuidBytes, AnyOtherLengthIsRefusedAndNamed) {
  for (const std::size_t size : {0, 1, 15, 17, 1000}) {
    const auto id = uuid_from_wire(std::string(size, 'x'), "topic_id");
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(id.error().message(), testing::HasSubstr("topic_id"));
  }
}

TEST(ApiTable, NumbersAndNamesAreUniqueAndRangesNotEmpty) {
  std::set<Api> numbers;
  std::set<std::string_view> names;
  for (const ApiInfo& api : api_table()) {
    EXPECT_TRUE(numbers.insert(api.api).second) << api.name;
    EXPECT_TRUE(names.insert(api.name).second) << api.name;
    EXPECT_GE(api.min_version, 1) << api.name;
    EXPECT_LE(api.min_version, api.max_version) << api.name;
    EXPECT_EQ(find_api(static_cast<std::uint16_t>(api.api)), &api);
    EXPECT_EQ(name(api.api), api.name);
  }
}

TEST(ApiTable, UnknownNumbersAreNotFound) {
  for (const int number : {0, 9, 15, 19, 65'535}) {
    EXPECT_EQ(find_api(static_cast<std::uint16_t>(number)), nullptr) << number;
  }
}

}  // namespace
}  // namespace penstock::wire
