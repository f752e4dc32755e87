#include "protocol/wire/uuid_bytes.h"

#include <cstring>

namespace penstock::wire {

std::string to_wire(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

Result<Uuid> uuid_from_wire(std::string_view bytes, std::string_view field) {
  Uuid id;
  if (bytes.size() != id.bytes.size()) {
    return fail(Errc::kInvalidArgument,
                std::string(field) + " has " + std::to_string(bytes.size()) + " bytes, not 16");
  }
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

}  // namespace penstock::wire
