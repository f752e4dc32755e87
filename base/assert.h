// PENSTOCK_ASSERT: states what must be true; on in release builds; aborts with the place and the
// reason. Never assert on bytes that came from a disk or a socket: those are Results.
#pragma once

namespace penstock {

[[noreturn]] void assertion_failed(const char* condition, const char* why, const char* file,
                                   int line);

}  // namespace penstock

#define PENSTOCK_ASSERT(condition, why)                                  \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::penstock::assertion_failed(#condition, why, __FILE__, __LINE__); \
  } while (false)
