// The HTTP port as a scraper and as a stranger see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "broker/server/limits.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::broker {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HttpListenerE2e : public testing::Test {
 protected:
  HttpListenerE2e() : broker_(start_broker(test_config(dir_ / "data"))) {}

  // Sends raw bytes and returns all that comes until the other side closes.
  std::string talk(const std::string& request) {
    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    socket.connect({asio::ip::make_address("127.0.0.1"), broker_->metrics_port()});
    boost::system::error_code error;
    asio::write(socket, asio::buffer(request), error);
    std::string answer;
    asio::read(socket, asio::dynamic_buffer(answer), error);
    return answer;
  }
  std::string get(const std::string& path) {
    return talk("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }

  ScratchDir dir_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(HttpListenerE2e, AScrapeSeesWhatClientsDid) {
  TestClient client(broker_->port());
  const auto topic = client.create("orders", 2);
  ASSERT_TRUE(client.produce(*topic, 0, batch_of({"a", "b", "c"})));
  ASSERT_FALSE(client.produce(*topic, 7, batch_of({"a"})));
  const std::string text = get("/metrics");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200"));
  for (const char* line :
       {"penstock_partition_appended_records_total 3",
        "penstock_broker_requests_total{api=\"Produce\"} 2",
        "penstock_broker_errors_total{api=\"Produce\",error=\"UnknownPartition\"} 1",
        "penstock_broker_produce_stage_seconds_count{stage=\"fsync\"} 1",
        "penstock_broker_topics 1", "penstock_broker_partitions 2", "penstock_rpc_connections 1",
        "penstock_disk_refusing_producers 0"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(HttpListenerE2e, HealthAndWhatIsNotThere) {
  EXPECT_THAT(get("/health"), HasSubstr("\r\n\r\nok\n"));
  EXPECT_THAT(get("/admin"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(talk("POST /metrics HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
              StartsWith("HTTP/1.1 405"));
}

TEST_F(HttpListenerE2e, StrangersAreClosedAndNobodyElseSuffers) {
  EXPECT_EQ(talk("\x16\x03\x01 this is no HTTP\r\n\r\n"), "");
  EXPECT_EQ(talk("GET /" + std::string(kMaxHttpRequestBytes, 'x') + " HTTP/1.1\r\n\r\n"), "");
  EXPECT_THAT(get("/health"), HasSubstr("ok"));
}

}  // namespace
}  // namespace penstock::broker
