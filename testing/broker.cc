#include "testing/broker.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/server/broker.h"
#include "broker/server/dispatch.h"
#include "fakes/fake_env.h"

namespace penstock::testing {
namespace {

constexpr std::string_view kFolder = "/data";

// What only the broker itself notices - its pace, its patience - goes on by the machine's clock, or
// it would stand still with the test's.
class TestClock final : public Clock {
 public:
  explicit TestClock(Timestamp start) : start_(start) {}
  Timestamp wall() const override { return Timestamp(start_.ms() + advanced_ms_.load()); }
  std::int64_t steady_ns() const override {
    return system_clock().steady_ns() + advanced_ms_.load() * 1'000'000;
  }
  void advance_ms(std::int64_t ms) { advanced_ms_ += ms; }

 private:
  const Timestamp start_;
  std::atomic<std::int64_t> advanced_ms_{0};
};

class PlannedFailures {
 public:
  void add(Failure failure) {
    const std::scoped_lock lock(mutex_);
    if (failure.times > 0) planned_.push_back(std::move(failure));
  }
  void clear() {
    const std::scoped_lock lock(mutex_);
    planned_.clear();
  }
  std::uint64_t happened() const {
    const std::scoped_lock lock(mutex_);
    return happened_;
  }
  std::optional<Failure> take(const rpc::Request& request) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find_if(planned_, [&](const Failure& failure) {
      return failure.api == request.api && (failure.client_name.empty() ||
                                            failure.client_name == request.connection->client_name);
    });
    if (found == planned_.end()) return std::nullopt;
    ++happened_;
    Failure failure = *found;
    if (--found->times == 0) planned_.erase(found);
    return failure;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Failure> planned_;
  std::uint64_t happened_ = 0;
};

Task<rpc::Response> handle(PlannedFailures& failures, const rpc::Handler& next,
                           rpc::Request request) {
  const std::optional<Failure> failure = failures.take(request);
  if (!failure) co_return co_await next(std::move(request));
  if (failure->how == FailHow::kRefused) co_return broker::error_response(failure->error);
  if (failure->how == FailHow::kAnswerLost) {
    static_cast<void>(co_await next(std::move(request)));
  }
  co_return rpc::Response{.message = {}, .attachment = {}, .cut_off = true};
}

}  // namespace

class Broker::State {
 public:
  explicit State(const BrokerOptions& options) : clock_(options.now) {
    config_.data_dir = std::string(kFolder);
    config_.listen = {"127.0.0.1", 0};
    config_.metrics_listen = {"127.0.0.1", 0};
    config_.disk_reserve_bytes = 0;
    config_.shards = 1;
    config_.memory_limit_bytes = options.memory_limit_bytes;
    if (options.disk_bytes > 0) disk_.set_capacity(options.disk_bytes);
  }

  Status start() {
    broker::BrokerEnvironment environment;
    environment.env = &disk_;
    environment.clock = &clock_;
    environment.around_requests = [this](rpc::Handler next) -> rpc::Handler {
      return [this, next = std::move(next)](rpc::Request request) {
        return handle(failures_, next, std::move(request));
      };
    };
    PENSTOCK_TRY_ASSIGN(running_, broker::Broker::start(config_, std::move(environment)));
    config_.listen.port = running_->port();
    return {};
  }

  Status stop() {
    if (!running_) return {};
    const Status stopped = running_->stop();
    running_.reset();
    return stopped;
  }

  rpc::Endpoint endpoint() const { return config_.listen; }
  TestClock& clock() { return clock_; }
  PlannedFailures& failures() { return failures_; }
  fakes::FakeEnv& disk() { return disk_; }

 private:
  fakes::FakeEnv disk_;
  TestClock clock_;
  PlannedFailures failures_;
  broker::BrokerConfig config_;
  std::unique_ptr<broker::Broker> running_;  // last: it uses the others
};

Broker::Broker(std::unique_ptr<State> state) : state_(std::move(state)) {}

Broker::~Broker() = default;

Result<std::unique_ptr<Broker>> Broker::start(BrokerOptions options) {
  auto state = std::make_unique<State>(options);
  PENSTOCK_TRY(state->start());
  return std::unique_ptr<Broker>(new Broker(std::move(state)));
}

rpc::Endpoint Broker::endpoint() const { return state_->endpoint(); }

Result<std::unique_ptr<client::Client>> Broker::connect(client::ClientConfig config) const {
  config.bootstrap = {endpoint()};
  return client::Client::open(std::move(config));
}

Timestamp Broker::now() const { return state_->clock().wall(); }

void Broker::advance(std::chrono::milliseconds by) { state_->clock().advance_ms(by.count()); }

void Broker::fail_next(Failure failure) { state_->failures().add(std::move(failure)); }

std::uint64_t Broker::failed() const { return state_->failures().happened(); }

void Broker::clear_failures() { state_->failures().clear(); }

void Broker::limit_disk(std::uint64_t bytes) {
  state_->disk().set_capacity(state_->disk().used_bytes() + bytes);
}

void Broker::lift_disk_limit() { state_->disk().set_capacity(std::nullopt); }

Status Broker::restart() {
  PENSTOCK_TRY(state_->stop());
  return state_->start();
}

}  // namespace penstock::testing
