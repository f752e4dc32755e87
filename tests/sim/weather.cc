#include "tests/sim/weather.h"

#include <spdlog/fmt/fmt.h>

#include "tests/sim/world.h"

namespace penstock::sim {
namespace {

double maybe(Rng& rng, double low, double high) {
  return rng.one_in(2) ? low + (high - low) * rng.unit() : 0;
}

}  // namespace

Weather Weather::draw(Rng& rng) {
  // Drawn beside the others, so that older seeds keep the lives that they had.
  Rng beside(Rng(rng).next());
  Weather w;
  w.loss = maybe(rng, 0.001, 0.2);
  w.duplication = maybe(rng, 0.001, 0.2);
  w.min_delay_ns = static_cast<std::int64_t>(rng.below(2 * kMs));
  w.mean_delay_ns =
      static_cast<std::int64_t>(kMs / 10 + static_cast<std::int64_t>(rng.below(10 * kMs)));
  w.slow_message = maybe(rng, 0.001, 0.05);
  w.partition_every_s = maybe(rng, 2, 20);
  w.reset_every_s = maybe(rng, 1, 10);
  w.crash_every_s = maybe(rng, 2, 20);
  w.crash_in_disk_every_s = maybe(rng, 2, 20);
  w.crash_all_every_s = maybe(rng, 10, 60);
  w.pause_every_s = maybe(rng, 2, 20);
  w.clock_jump_every_s = maybe(rng, 1, 10);
  w.mean_flush_ns =
      static_cast<std::int64_t>(kMs / 10 + static_cast<std::int64_t>(rng.below(20 * kMs)));
  w.slow_flush = maybe(rng, 0.0005, 0.01);
  w.disk_full_every_s = maybe(rng, 5, 30);
  w.cold_reads = rng.one_in(4) ? 1 : 0;
  w.rot = rng.one_in(4);
  w.transfer_every_s = maybe(rng, 1, 10);
  w.membership_every_s = maybe(rng, 2, 15);
  w.delete_records_every_s = maybe(rng, 1, 10);
  w.garbling = rng.one_in(4) ? 0.02 * rng.unit() : 0;
  w.disk_error_every_s = maybe(rng, 3, 30);
  w.lost_disk = !w.rot && rng.one_in(4);
  w.shortened = w.rot && beside.one_in(2);
  w.late_writes_wait = beside.one_in(2);
  w.deaf_leader_every_s = beside.one_in(3) ? 2 + 8 * beside.unit() : 0;
  w.hung_flush = beside.one_in(4) ? 0.01 + 0.1 * beside.unit() : 0;
  return w;
}

Weather Weather::administered() const {
  Weather w = *this;
  // A topic with one replica has no good copy beside a bad one.
  w.rot = false;
  w.shortened = false;
  w.lost_disk = false;
  w.membership_every_s = 0;
  w.delete_records_every_s = 0;
  return w;
}

std::string Weather::to_string() const {
  return fmt::format(
      "loss={:.3f} dup={:.3f} delay_ms={:.1f}+{:.1f} slow_message={:.3f} partition={:.0f}s "
      "reset={:.0f}s deaf_leader={:.0f}s crash={:.0f}s crash_in_disk={:.0f}s crash_all={:.0f}s "
      "pause={:.0f}s clock_jump={:.0f}s flush_ms={:.1f} slow_flush={:.4f} hung_flush={:.3f} "
      "late_writes_wait={} disk_full={:.0f}s disk_error={:.0f}s "
      "cold={:.0f} rot={} shortened={} lost_disk={} garbling={:.3f} "
      "transfer={:.0f}s membership={:.0f}s delete_records={:.0f}s",
      loss, duplication, static_cast<double>(min_delay_ns) / kMs,
      static_cast<double>(mean_delay_ns) / kMs, slow_message, partition_every_s, reset_every_s,
      deaf_leader_every_s, crash_every_s, crash_in_disk_every_s, crash_all_every_s, pause_every_s,
      clock_jump_every_s, static_cast<double>(mean_flush_ns) / kMs, slow_flush, hung_flush,
      late_writes_wait, disk_full_every_s, disk_error_every_s, cold_reads, rot, shortened,
      lost_disk, garbling, transfer_every_s, membership_every_s, delete_records_every_s);
}

}  // namespace penstock::sim
