// Uuid to and from the 16 bytes that stand for it in messages.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace penstock::wire {

std::string to_wire(const Uuid& id);

// kInvalidArgument when there are not exactly 16 bytes; `field` names the culprit in the message.
Result<Uuid> uuid_from_wire(std::string_view bytes, std::string_view field);

}  // namespace penstock::wire
