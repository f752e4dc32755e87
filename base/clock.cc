#include "base/clock.h"

#include <chrono>

namespace penstock {
namespace {

class SystemClock final : public Clock {
 public:
  Timestamp wall() const override {
    using namespace std::chrono;
    return Timestamp(
        duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  }
  std::int64_t steady_ns() const override {
    using namespace std::chrono;
    return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace penstock
