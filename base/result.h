// Result<T>: what every fallible function returns; Error carries a code, a message and its context
// chain.
//
// Failure: results state what may go wrong at run time; PENSTOCK_ASSERT (base/assert.h) states what
// must be true. Nothing else signals.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "base/errc.h"

namespace penstock {

class [[nodiscard]] Error {
 public:
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}
  explicit Error(Errc code) : code_(code), message_(info(code).meaning) {}

  Errc code() const { return code_; }
  // Innermost cause last: "open segment 0: /data/x.log: permission denied".
  const std::string& message() const { return message_; }
  bool retriable() const { return info(code_).retry == Retry::kRetry; }
  Outcome outcome() const { return info(code_).outcome; }

  // Puts `what` in front of the message: the caller's view of what it was doing.
  Error context(std::string_view what) && {
    message_.insert(0, std::string(what) + ": ");
    return std::move(*this);
  }

  // "DiskFull: append to orders/3: no space left on device"
  std::string to_string() const { return std::string(info(code_).name) + ": " + message_; }

 private:
  Errc code_;
  std::string message_;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error(code, std::move(message)));
}
inline std::unexpected<Error> fail(Errc code) { return std::unexpected(Error(code)); }
inline std::unexpected<Error> fail(Error error) { return std::unexpected(std::move(error)); }

}  // namespace penstock

#define PENSTOCK_CONCAT_(a, b) a##b
#define PENSTOCK_CONCAT(a, b) PENSTOCK_CONCAT_(a, b)

// PENSTOCK_TRY(file.sync());                       returns the error of a Status
// PENSTOCK_TRY_ASSIGN(auto size, file.size());     unwraps the value or returns the error
// The PENSTOCK_CO_ forms do the same inside a coroutine.
#define PENSTOCK_TRY(expr)                                    \
  do {                                                        \
    if (auto try_status_ = (expr); !try_status_) [[unlikely]] \
      return std::unexpected(std::move(try_status_).error()); \
  } while (false)
#define PENSTOCK_TRY_ASSIGN(lhs, expr) \
  PENSTOCK_TRY_ASSIGN_(PENSTOCK_CONCAT(try_result_, __COUNTER__), lhs, expr, return)
#define PENSTOCK_CO_TRY(expr)                                    \
  do {                                                           \
    if (auto try_status_ = (expr); !try_status_) [[unlikely]]    \
      co_return std::unexpected(std::move(try_status_).error()); \
  } while (false)
#define PENSTOCK_CO_TRY_ASSIGN(lhs, expr) \
  PENSTOCK_TRY_ASSIGN_(PENSTOCK_CONCAT(try_result_, __COUNTER__), lhs, expr, co_return)
#define PENSTOCK_TRY_ASSIGN_(tmp, lhs, expr, ret) \
  auto tmp = (expr);                              \
  if (!tmp) [[unlikely]]                          \
    ret std::unexpected(std::move(tmp).error());  \
  lhs = *std::move(tmp)
