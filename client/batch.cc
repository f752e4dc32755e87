#include "client/batch.h"

#include <algorithm>

namespace penstock::client {

Ledger Ledger::split_off(std::uint32_t count) {
  Ledger rest;
  rest.tags.assign(tags.begin() + count, tags.end());
  tags.resize(count);
  const auto first = std::find_if(waiting.begin(), waiting.end(),
                                  [&](const auto& entry) { return entry.first >= count; });
  for (auto it = first; it != waiting.end(); ++it) {
    rest.waiting.emplace_back(it->first - count, it->second);
  }
  waiting.erase(first, waiting.end());
  return rest;
}

}  // namespace penstock::client
