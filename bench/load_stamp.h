// Stamp: what an e2e load writes at the front of each record, so that its reader can tell when it
// was due and whether all came.
//
// Format (little-endian): 0 8 run, 8 8 intended send time (steady clock, ns), 16 2 producer,
// 18 6 number within that producer, from 0.
// Invariants: the steady clock is one for all processes of a machine, so both ends must run on one.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/coding.h"
#include "bench/limits.h"

namespace penstock::bench {

struct Stamp {
  std::uint64_t run = 0;  // random; records of anyone else are told apart by it
  std::int64_t due_ns = 0;
  std::uint16_t producer = 0;
  std::uint64_t number = 0;  // below 2^48

  // `record` has at least kMinStampedRecordBytes.
  void write(MutableByteView record) const {
    store_le<std::uint64_t>(record.data(), run);
    store_le<std::int64_t>(record.data() + 8, due_ns);
    store_le<std::uint64_t>(record.data() + 16, (std::uint64_t{producer} << 48) | number);
  }
  // None when the record is too short to hold one.
  static std::optional<Stamp> read(ByteView record) {
    if (record.size() < kMinStampedRecordBytes) return std::nullopt;
    const auto tail = load_le<std::uint64_t>(record.data() + 16);
    return Stamp{.run = load_le<std::uint64_t>(record.data()),
                 .due_ns = load_le<std::int64_t>(record.data() + 8),
                 .producer = static_cast<std::uint16_t>(tail >> 48),
                 .number = tail & ((std::uint64_t{1} << 48) - 1)};
  }
};

}  // namespace penstock::bench
