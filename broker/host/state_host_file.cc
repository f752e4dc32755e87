#include "broker/host/state_host_file.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/coding.h"
#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

constexpr std::string_view kMagic = "PSTKSTA1";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 56;
constexpr std::size_t kCrcBytes = 4;

namespace at {
constexpr std::size_t kVersion = 8;
constexpr std::size_t kPartition = 12;
constexpr std::size_t kTopic = 16;
constexpr std::size_t kOffset = 32;
constexpr std::size_t kTerm = 40;
constexpr std::size_t kZero = 44;
constexpr std::size_t kSize = 48;
}  // namespace at

std::unexpected<Error> corrupt(const char* why) {
  return fail(Errc::kCorrupt, std::string("state snapshot: ") + why);
}

}  // namespace

Bytes encode(const StateSnapshot& snapshot, const storage::LogIdentity& identity) {
  Bytes file(kHeaderBytes);
  file.reserve(kHeaderBytes + snapshot.state.size() + kCrcBytes);
  std::ranges::copy(as_bytes(kMagic), file.begin());
  store_le(file.data() + at::kVersion, kVersion);
  store_le(file.data() + at::kPartition, identity.partition.partition.value());
  std::ranges::copy(identity.partition.topic.bytes, file.begin() + at::kTopic);
  store_le(file.data() + at::kOffset, snapshot.point.end.value());
  store_le(file.data() + at::kTerm, snapshot.point.term.value());
  store_le(file.data() + at::kSize, std::uint64_t{snapshot.state.size()});
  file.insert(file.end(), snapshot.state.begin(), snapshot.state.end());
  const std::uint32_t crc = record::crc32c(file);
  file.resize(file.size() + kCrcBytes);
  store_le(file.data() + file.size() - kCrcBytes, crc);
  return file;
}

Result<StateSnapshot> decode_state_snapshot(ByteView file, const storage::LogIdentity& identity) {
  if (file.size() < kHeaderBytes + kCrcBytes) return corrupt("it is too short");
  if (as_text(file.first(kMagic.size())) != kMagic) return corrupt("it has another magic");
  const ByteView summed = file.first(file.size() - kCrcBytes);
  if (load_le<std::uint32_t>(file.data() + summed.size()) != record::crc32c(summed)) {
    return corrupt("its checksum does not fit");
  }
  if (const auto version = load_le<std::uint32_t>(file.data() + at::kVersion);
      version != kVersion) {
    return fail(Errc::kForeignData,
                "state snapshot of version " + std::to_string(version) + " is unknown");
  }
  const bool ours =
      load_le<std::int32_t>(file.data() + at::kPartition) == identity.partition.partition.value() &&
      equal(file.subspan(at::kTopic, identity.partition.topic.bytes.size()),
            identity.partition.topic.bytes);
  if (!ours) return fail(Errc::kForeignData, "state snapshot of another log");
  const ByteView state = summed.subspan(kHeaderBytes);
  const raft::LogPoint point{Term(load_le<std::int32_t>(file.data() + at::kTerm)),
                             Offset(load_le<std::int64_t>(file.data() + at::kOffset))};
  if (load_le<std::uint64_t>(file.data() + at::kSize) != state.size() ||
      load_le<std::uint32_t>(file.data() + at::kZero) != 0 || point.end < Offset(0)) {
    return corrupt("its fields contradict each other");
  }
  return StateSnapshot{point, state};
}

}  // namespace penstock::broker
