// Addresses as people write them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/rpc/channel.h"

namespace penstock::rpc {
namespace {

struct Written {
  const char* text;
  const char* host;
  std::uint16_t port;
};

TEST(Endpoint, HostsPortsAndBothAreUnderstood) {
  for (const Written& good :
       {Written{"localhost", "localhost", 7333}, Written{"localhost:9000", "localhost", 9000},
        Written{"127.0.0.1:1", "127.0.0.1", 1}, Written{"10.0.0.1", "10.0.0.1", 7333},
        Written{"[::1]:65535", "::1", 65535}, Written{"[fe80::1]", "fe80::1", 7333}}) {
    const auto endpoint = Endpoint::parse(good.text);
    ASSERT_TRUE(endpoint) << good.text << ": " << endpoint.error().to_string();
    EXPECT_EQ(endpoint->host, good.host) << good.text;
    EXPECT_EQ(endpoint->port, good.port) << good.text;
    EXPECT_EQ(*Endpoint::parse(endpoint->to_string()), *endpoint) << good.text;
  }
}

TEST(Endpoint, AnythingElseIsRefusedWithTheTextAndWhatToWrite) {
  for (const char* bad :
       {"", ":9000", "host:", "host:0", "host:65536", "host:-1", "host:9x", "host: 9", "::1",
        "a:b:c", "[::1", "[]:9", "[::1]x", "[::1]:", "ho st", "http://host:1", "user@host"}) {
    const auto endpoint = Endpoint::parse(bad);
    ASSERT_FALSE(endpoint) << bad;
    EXPECT_EQ(endpoint.error().code(), Errc::kInvalidArgument);
    EXPECT_THAT(endpoint.error().message(), testing::HasSubstr("'" + std::string(bad) + "'"));
    EXPECT_THAT(endpoint.error().message(), testing::HasSubstr("HOST:PORT"));
  }
}

}  // namespace
}  // namespace penstock::rpc
