#include "base/errc.h"

#include <array>

namespace penstock {
namespace {

constexpr std::array kTable = {
#define PENSTOCK_ERRC_ROW(name, number, retry, outcome, meaning) \
  ErrcInfo{Errc::k##name, #name, number, Retry::k##retry, Outcome::k##outcome, meaning},
    PENSTOCK_ERRC_TABLE(PENSTOCK_ERRC_ROW)
#undef PENSTOCK_ERRC_ROW
};

}  // namespace

std::span<const ErrcInfo> errc_table() { return kTable; }

const ErrcInfo& info(Errc code) {
  for (const ErrcInfo& row : kTable) {
    if (row.code == code) return row;
  }
  return info(Errc::kInternal);
}

Errc errc_from_wire(std::uint32_t number) {
  for (const ErrcInfo& row : kTable) {
    if (row.number == number) return row.code;
  }
  return Errc::kInternal;
}

}  // namespace penstock
