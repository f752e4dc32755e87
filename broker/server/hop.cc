#include "broker/server/hop.h"

#include <cstdlib>

namespace penstock::broker {

void die_of_exception(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    logger("broker").error("coroutine ended by exception what={}", e.what());
  } catch (...) {
    logger("broker").error("coroutine ended by unknown exception");
  }
  std::abort();
}

}  // namespace penstock::broker
