#include "tests/sim/rot.h"

#include <algorithm>
#include <vector>

#include "fakes/fake_disk.h"
#include "storage/checkpoint.h"
#include "storage/segment_name.h"

namespace penstock::sim {
namespace {

struct Part {
  std::string path;
  std::uint64_t size = 0;  // from the beginning of the file
  bool holds_watermark = false;
};

// What of the segments is below the watermark.
void add_vouched_for(const fakes::FakeEnv& disk, const std::string& folder,
                     std::vector<Part>& parts) {
  const auto file = disk.contents(folder + "/" + std::string(storage::kCheckpointName));
  const auto newest = file ? storage::newest_slot(*file) : std::nullopt;
  if (!newest) return;
  const storage::LogPoint& watermark = newest->checkpoint.point;
  for (const std::string& path : disk.files(folder)) {
    const auto name = storage::parse_segment_name(path.substr(folder.size() + 1));
    if (!name || name->kind != storage::SegmentFile::kLog) continue;
    std::uint64_t size = disk.contents(path)->size();
    if (name->base > watermark.segment_base) continue;
    const bool holds_watermark = name->base == watermark.segment_base;
    if (holds_watermark) size = std::min(size, watermark.position());
    if (size > 0) parts.push_back({path, size, holds_watermark});
  }
}

void misplace_sector(Bytes& bytes, std::uint64_t sectors, Rng& rng) {
  const auto sector = [&] {
    return bytes.begin() + static_cast<std::ptrdiff_t>(rng.below(sectors) * fakes::kSectorBytes);
  };
  const auto from = sector();
  const Bytes written(from, from + fakes::kSectorBytes);
  std::ranges::copy(written, sector());
}

}  // namespace

std::optional<std::string> rot(fakes::FakeEnv& disk, const std::vector<std::string>& log_folders,
                               Rng& rng) {
  std::vector<Part> parts;
  for (const std::string& folder : log_folders) add_vouched_for(disk, folder, parts);
  if (parts.empty()) return std::nullopt;
  const Part& part = parts[rng.below(parts.size())];
  Bytes bytes = *disk.contents(part.path);
  const std::uint64_t sectors = part.size / fakes::kSectorBytes;
  if (sectors > 1 && rng.one_in(3)) {
    misplace_sector(bytes, sectors, rng);
  } else {
    const std::uint64_t bit = rng.below(part.size * 8);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  disk.put(part.path, bytes);
  return part.path;
}

std::optional<std::string> shorten(fakes::FakeEnv& disk,
                                   const std::vector<std::string>& log_folders, Rng& rng) {
  std::vector<Part> parts;
  for (const std::string& folder : log_folders) add_vouched_for(disk, folder, parts);
  std::erase_if(parts, [](const Part& part) { return !part.holds_watermark; });
  if (parts.empty()) return std::nullopt;
  const Part& part = parts[rng.below(parts.size())];
  Bytes bytes = *disk.contents(part.path);
  bytes.resize(rng.below(part.size));
  disk.put(part.path, bytes);
  return part.path;
}

}  // namespace penstock::sim
