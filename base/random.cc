#include "base/random.h"

#include <cstring>
#include <random>

namespace penstock {

Uuid Rng::uuid() {
  Uuid id;
  const std::uint64_t words[2] = {next(), next()};
  std::memcpy(id.bytes.data(), words, sizeof words);
  return id;
}

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

}  // namespace penstock
