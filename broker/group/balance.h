// balance(): the even and sticky assignment (assign.h), with or without regard to racks.
//
// Threads: a pure function.
#pragma once

#include <cstdint>

#include "broker/group/assign.h"

namespace penstock::group {

enum class Racks : std::uint8_t { kIgnored, kPreferred };

Shares balance(const AssignmentTask& task, Racks racks);

}  // namespace penstock::group
