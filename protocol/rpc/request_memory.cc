#include "protocol/rpc/request_memory.h"

#include <utility>

#include "base/assert.h"

namespace penstock::rpc {

bool RequestMemory::try_take(std::uint64_t bytes, WaiterId waiter, std::function<void()> resume) {
  PENSTOCK_ASSERT(bytes <= capacity_, "a request that can never be afforded is refused earlier");
  const bool is_first = waiters_.empty() || waiters_.front().id == waiter;
  if (is_first && bytes <= capacity_ - taken_) {
    taken_ += bytes;
    if (!waiters_.empty()) waiters_.pop_front();
    wake_first();
    return true;
  }
  for (Waiter& known : waiters_) {
    if (known.id != waiter) continue;
    known.bytes = bytes;
    known.resume = std::move(resume);
    return false;
  }
  waiters_.push_back({waiter, bytes, std::move(resume)});
  return false;
}

void RequestMemory::give_back(std::uint64_t bytes) {
  PENSTOCK_ASSERT(bytes <= taken_, "no more is given back than was taken");
  taken_ -= bytes;
  wake_first();
}

void RequestMemory::forget(WaiterId waiter) {
  if (waiters_.empty()) return;
  const bool was_first = waiters_.front().id == waiter;
  std::erase_if(waiters_, [&](const Waiter& known) { return known.id == waiter; });
  if (was_first) wake_first();
}

// The waiter keeps its place until it asks again: only the first may take, so the next is woken by
// its try_take().
void RequestMemory::wake_first() {
  if (waiters_.empty() || waiters_.front().bytes > capacity_ - taken_) return;
  if (auto resume = std::exchange(waiters_.front().resume, nullptr)) resume();
}

}  // namespace penstock::rpc
