// HttpListener: the HTTP port of the broker: GET /metrics and GET /health, nothing else.
//
// Threads: one executor. Failure: a request that is too large, too slow or not understood ends its
// connection; at most kMaxHttpConnections are open, further ones wait in the kernel's backlog.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/task.h"
#include "protocol/rpc/endpoint.h"

namespace penstock::broker {

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type;
  std::string body;
};

// Answers a GET for a path.
using HttpHandler = std::function<Task<HttpAnswer>(std::string path)>;

class HttpListener {
 public:
  // An address in use is kAlreadyExists and the message names the port and the flag.
  static Result<std::unique_ptr<HttpListener>> start(asio::any_io_executor executor,
                                                     const rpc::Endpoint& listen,
                                                     HttpHandler handler);
  ~HttpListener();

  std::uint16_t port() const;
  // Closes everything; returned means that no handler runs any more.
  Task<void> stop();

 private:
  class State;
  explicit HttpListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::broker
