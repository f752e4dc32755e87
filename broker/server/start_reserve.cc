#include "broker/server/start_reserve.h"

#include "broker/server/limits.h"

namespace penstock::broker {

void StartReserve::give_back() {
  taken_ = false;
  static_cast<void>(env_.remove_file(file_));
}

void StartReserve::take() {
  if (taken_) return;
  const auto file = env_.open(file_, OpenMode::kOpenOrCreate);
  if (!file) return;
  for (std::uint64_t bytes = kStartReserveBytes; bytes >= kLeastStartReserveBytes; bytes /= 2) {
    if ((*file)->allocate(bytes)) {
      taken_ = bytes == kStartReserveBytes;
      return;
    }
  }
}

}  // namespace penstock::broker
