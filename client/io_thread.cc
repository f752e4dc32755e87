#include "client/io_thread.h"

#include "base/assert.h"

namespace penstock::client {

Client::Io::Io(ClientConfig config)
    : context_(1),
      busy_(asio::make_work_guard(context_)),
      cluster_(context_.get_executor(), std::move(config)),
      admin_(cluster_),
      tasks_(context_.get_executor()),
      thread_([this] { context_.run(); }) {}

Task<Status> Client::Io::close_cluster() {
  co_await cluster_.close();
  co_return Status{};
}

Client::Io::~Io() {
  PENSTOCK_ASSERT(attached_ == 0, "producers and consumers are closed before their client");
  const Status closed = run([this] { return close_cluster(); });
  static_cast<void>(closed);  // closing cannot fail
  busy_.reset();
  thread_.join();
}

}  // namespace penstock::client
