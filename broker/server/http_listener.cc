#include "broker/server/http_listener.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "broker/server/limits.h"

namespace penstock::broker {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<Tcp, asio::any_io_executor>;
using Stream = beast::basic_stream<Tcp, asio::any_io_executor>;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

Error listen_error(const boost::system::error_code& error, const rpc::Endpoint& listen) {
  const std::string where = "--metrics_listen=" + listen.to_string() + ": ";
  if (error == asio::error::address_in_use) {
    return {Errc::kAlreadyExists,
            where + "port " + std::to_string(listen.port) +
                " is in use by another process; choose another port (0: any free one) or stop "
                "that process"};
  }
  return {Errc::kIoError, where + error.message()};
}

Result<Acceptor> listen_on(const asio::any_io_executor& executor, const rpc::Endpoint& listen) {
  boost::system::error_code error;
  const std::string host = listen.host == "localhost" ? "127.0.0.1" : listen.host;
  const auto address = asio::ip::make_address(host, error);
  if (error) {
    return fail(Errc::kInvalidArgument,
                "--metrics_listen=" + listen.to_string() + " is not an address of this machine");
  }
  const Tcp::endpoint endpoint(address, listen.port);
  Acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return fail(listen_error(error, listen));
  return acceptor;
}

}  // namespace

class HttpListener::State {
 public:
  State(asio::any_io_executor executor, Acceptor listening, HttpHandler answer)
      : handler(std::move(answer)),
        acceptor(std::move(listening)),
        tasks(executor),
        connection_ended(executor) {}

  Task<void> accept_connections();
  Task<void> serve(Stream stream);
  Task<bool> serve_one(Stream& stream, beast::flat_buffer& buffer);

  HttpHandler handler;
  Acceptor acceptor;
  TaskGroup tasks;
  std::size_t connections = 0;
  bool stopping = false;
  Wakeup connection_ended;
};

Task<void> HttpListener::State::accept_connections() {
  while (!stopping) {
    if (connections >= kMaxHttpConnections) {
      co_await connection_ended.wait(connection_ended.version());
      continue;
    }
    auto [error, socket] = co_await acceptor.async_accept(kAsTuple);
    if (stopping) break;
    if (error) {
      // Out of descriptors: accepting again at once would only spin.
      co_await sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    ++connections;
    tasks.spawn("http connection", serve(Stream(std::move(socket))));
  }
}

Task<void> HttpListener::State::serve(Stream stream) {
  beast::flat_buffer buffer(kMaxHttpRequestBytes);
  while (!stopping && co_await serve_one(stream, buffer)) {
  }
  --connections;
  connection_ended.notify_all();
}

Task<bool> HttpListener::State::serve_one(Stream& stream, beast::flat_buffer& buffer) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kMaxHttpRequestBytes);
  stream.expires_after(kHttpTimeout);
  const auto [read_error, read_bytes] = co_await http::async_read(stream, buffer, parser, kAsTuple);
  if (read_error || stopping) co_return false;
  HttpAnswer answer{.status = 405, .content_type = "text/plain", .body = "only GET\n"};
  if (parser.get().method() == http::verb::get) {
    answer = co_await handler(std::string(parser.get().target()));
  }
  http::response<http::string_body> response{http::int_to_status(answer.status),
                                             parser.get().version()};
  response.set(http::field::content_type, answer.content_type);
  response.keep_alive(parser.get().keep_alive());
  response.body() = std::move(answer.body);
  response.prepare_payload();
  stream.expires_after(kHttpTimeout);
  const auto [write_error, written] = co_await http::async_write(stream, response, kAsTuple);
  co_return !write_error && response.keep_alive();
}

Result<std::unique_ptr<HttpListener>> HttpListener::start(asio::any_io_executor executor,
                                                          const rpc::Endpoint& listen,
                                                          HttpHandler handler) {
  PENSTOCK_TRY_ASSIGN(Acceptor acceptor, listen_on(executor, listen));
  auto state = std::make_unique<State>(executor, std::move(acceptor), std::move(handler));
  state->tasks.spawn("http accept", state->accept_connections());
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(state)));
}

HttpListener::HttpListener(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpListener::~HttpListener() = default;

std::uint16_t HttpListener::port() const {
  boost::system::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

Task<void> HttpListener::stop() {
  state_->stopping = true;
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  state_->tasks.cancel();
  co_await state_->tasks.wait();
}

}  // namespace penstock::broker
