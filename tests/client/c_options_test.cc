// Options of the C interface: what they set, what they refuse, and that all of them are documented.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "client/c_api/options.h"

namespace penstock::c_api {
namespace {

using client::milliseconds;

template <typename Config>
Status set(Config& config, const char* name, const char* value) {
  const penstock_option option{name, value};
  return apply({&option, 1}, config);
}

template <typename Config>
std::string refusal(const char* name, const char* value) {
  Config config{};
  const Status status = set(config, name, value);
  if (status) return "it was taken";
  EXPECT_EQ(status.error().code(), Errc::kInvalidArgument);
  return status.error().message();
}

TEST(COptions, SetWhatTheyAreCalled) {
  client::ProducerConfig producer;
  const std::vector<penstock_option> options = {
      {"linger_ms", "7"},         {"batch_bytes", "1000"}, {"compression", "zstd"},
      {"durability", "written"},  {"reports", "all"},      {"enable_idempotence", "false"},
      {"producer_name", "till 3"}};
  ASSERT_TRUE(apply({options.data(), options.size()}, producer));
  EXPECT_EQ(producer.linger, milliseconds(7));
  EXPECT_EQ(producer.batch_bytes, 1'000U);
  EXPECT_EQ(producer.codec, record::Codec::kZstd);
  EXPECT_EQ(producer.durability, client::Durability::kWritten);
  EXPECT_EQ(producer.reports, client::DeliveryReports::kAll);
  EXPECT_FALSE(producer.enable_idempotence);
  EXPECT_EQ(producer.producer_name, "till 3");
}

TEST(COptions, AMemberOfAGroupTakesThoseOfAConsumerToo) {
  client::GroupConfig member;
  ASSERT_TRUE(set(member, "session_timeout_ms", "9000"));
  ASSERT_TRUE(set(member, "start", "end"));
  ASSERT_TRUE(set(member, "fetch_bytes", "4096"));
  EXPECT_EQ(member.session_timeout, milliseconds(9'000));
  EXPECT_EQ(member.start.kind, client::StartAt::Kind::kEnd);
  EXPECT_EQ(member.consumer.fetch_bytes, 4'096U);
}

TEST(COptions, WhatIsWrongIsNamedWithWhatWouldBeRight) {
  EXPECT_EQ(refusal<client::ProducerConfig>("lingerms", "7"),
            "there is no option 'lingerms'; did you mean linger_ms?");
  EXPECT_EQ(refusal<client::ProducerConfig>("linger_ms", "-1"),
            "option linger_ms: '-1' is not a number up to 2147483647");
  EXPECT_EQ(refusal<client::ProducerConfig>("linger_ms", "7 ms"),
            "option linger_ms: '7 ms' is not a number up to 2147483647");
  EXPECT_EQ(refusal<client::ConsumerConfig>("read_from", "anywhere"),
            "option read_from: 'anywhere' is not one of leader, any");
  EXPECT_EQ(refusal<client::ProducerConfig>("enable_idempotence", "yes"),
            "option enable_idempotence: 'yes' is not true or false");
  EXPECT_NE(refusal<client::ClientConfig>("zzz", "1").find("there are: client_name, "),
            std::string::npos);
  EXPECT_EQ(refusal<client::ClientConfig>(nullptr, "1"), "an option needs a name and a value");
}

TEST(COptions, AreInTheDocument) {
  const char* const source = std::getenv("PENSTOCK_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest, or set PENSTOCK_SOURCE_DIR";
  std::ifstream file(std::string(source) + "/docs/client.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(describe_options()), std::string::npos) << describe_options();
}

}  // namespace
}  // namespace penstock::c_api
