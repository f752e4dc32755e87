// The blocking face of the producer: records go into the intake on the caller's thread; only what
// waits for the broker goes through the client's thread.
#include "client/producer.h"

#include <utility>

#include "client/async_producer.h"
#include "client/io_thread.h"

namespace penstock::client {

class Producer::Core {
 public:
  explicit Core(Client::Io& io) : io_(io) { io_.attach(); }
  ~Core() {
    // The sender lives on the client's thread, and ends there.
    const Status ended = io_.run([this] { return end(); });
    static_cast<void>(ended);
    io_.detach();
  }

  Status start(ProducerConfig config) {
    interceptors_ = config.interceptors;
    return io_.run([&] { return start_there(config); });
  }

  Status accept(const ProducerRecord& record, Ticket ticket) {
    Result<Intake::Admission> admission = intake().append(record, ticket);
    if (admission && *admission == Intake::Admission::kAccepted) return {};
    return accept_later(record, ticket, std::move(admission));
  }

  // What produce() has to wait for: room, metadata, or word of new partitions.
  Status accept_later(const ProducerRecord& record, Ticket ticket,
                      Result<Intake::Admission> admission) {
    const Instant deadline = deadline_of(sender_->config().max_block);
    for (bool looked_again = false;; admission = intake().append(record, ticket)) {
      if (!admission) {
        const bool grown = admission.error().code() == Errc::kUnknownPartition && !looked_again;
        if (!grown) return std::unexpected(std::move(admission).error());
        looked_again = true;
        PENSTOCK_TRY(
            io_.run([&] { return sender_->look_again(std::string(record.topic), deadline); }));
      } else if (*admission == Intake::Admission::kAccepted) {
        return {};
      } else if (*admission == Intake::Admission::kFull) {
        PENSTOCK_TRY(intake().wait_for_room(record, deadline));
      } else {
        PENSTOCK_TRY(
            io_.run([&] { return sender_->resolve(std::string(record.topic), deadline); }));
      }
    }
  }

  Status flush(milliseconds timeout) {
    Status flushed = intake().wait_until_flushed(intake().start_flush(), deadline_of(timeout));
    if (flushed) return {};
    return fail(std::move(flushed).error().context("flush() of " + std::to_string(timeout.count()) +
                                                   " ms"));
  }

  // As the interceptors leave it.
  Result<ProducerRecord> intercepted(ProducerRecord record) const {
    for (const ProducerInterceptor& interceptor : interceptors_) {
      if (interceptor.accepting) PENSTOCK_TRY(interceptor.accepting(record));
    }
    return record;
  }
  void tell(const Delivery& delivery) const {
    for (const ProducerInterceptor& interceptor : interceptors_) {
      if (interceptor.delivered) interceptor.delivered(delivery);
    }
  }

  Status close(milliseconds timeout) {
    return io_.run([&] { return close_there(timeout); });
  }

  Intake& intake() { return sender_->intake(); }
  static Instant deadline_of(milliseconds timeout) {
    return deadline_after(std::chrono::steady_clock::now(), timeout);
  }

 private:
  Task<Status> start_there(ProducerConfig config) {
    PENSTOCK_CO_TRY_ASSIGN(sender_, AsyncProducer::open(io_.cluster(), std::move(config)));
    co_return Status{};
  }
  Task<Status> close_there(milliseconds timeout) {
    if (closed_) co_return Status{};
    closed_ = true;
    co_return co_await sender_->close(timeout);
  }
  Task<Status> end() {
    if (!sender_) co_return Status{};
    const Status closed = co_await close_there(milliseconds(0));
    sender_.reset();
    co_return closed;
  }

  Client::Io& io_;
  std::vector<ProducerInterceptor> interceptors_;
  std::unique_ptr<AsyncProducer> sender_;
  bool closed_ = false;  // on the client's thread
};

Producer::Producer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Producer::~Producer() = default;

Result<std::unique_ptr<Producer>> Producer::open(Client& client, ProducerConfig config) {
  auto core = std::make_unique<Core>(client.io());
  PENSTOCK_TRY(core->start(std::move(config)));
  return std::unique_ptr<Producer>(new Producer(std::move(core)));
}

Status Producer::produce(const ProducerRecord& record) {
  PENSTOCK_TRY_ASSIGN(const ProducerRecord wanted, core_->intercepted(record));
  return core_->accept(wanted, 0);
}

Result<Delivery> Producer::produce_and_wait(const ProducerRecord& record) {
  PENSTOCK_TRY_ASSIGN(const ProducerRecord wanted, core_->intercepted(record));
  const Ticket ticket = core_->intake().new_ticket();
  if (Status accepted = core_->accept(wanted, ticket); !accepted) {
    core_->intake().drop_ticket(ticket);
    return std::unexpected(std::move(accepted).error());
  }
  PENSTOCK_TRY_ASSIGN(Delivery delivery, core_->intake().await_ticket(ticket));
  core_->tell(delivery);
  return delivery;
}

std::vector<Delivery> Producer::poll(milliseconds wait) {
  std::vector<Delivery> deliveries = core_->intake().poll(Core::deadline_of(wait));
  for (const Delivery& delivery : deliveries) core_->tell(delivery);
  return deliveries;
}

void Producer::cancel() { core_->intake().cancel_waits(); }

Status Producer::flush(milliseconds timeout) { return core_->flush(timeout); }
Status Producer::close(milliseconds timeout) { return core_->close(timeout); }
ProducerStats Producer::stats() const { return core_->intake().stats(); }

}  // namespace penstock::client
