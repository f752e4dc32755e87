#include "storage/segment.h"

#include <algorithm>

#include "base/assert.h"

namespace penstock::storage {

std::uint32_t Segment::runs_below(std::uint64_t position) const {
  const auto end = std::ranges::upper_bound(
      tail, position, {}, [](const Run& run) { return std::uint64_t{run.end_position()}; });
  return file_entries + static_cast<std::uint32_t>(end - tail.begin());
}

IndexWrite Segment::index_write(const std::string& path, const LogIdentity& identity,
                                std::uint32_t runs) const {
  PENSTOCK_ASSERT(runs >= file_entries && runs - file_entries <= tail.size(),
                  "the runs to write are in memory");
  IndexWrite write;
  write.path = path;
  write.header = encode(IndexHeader{identity, base, created});
  write.write_header = header_due;
  write.first_entry = file_entries;
  const auto append = [&](EntryKind kind, const Run& run) {
    const IndexEntryBytes bytes = encode_entry(kind, run, write.header);
    write.entries.insert(write.entries.end(), bytes.begin(), bytes.end());
  };
  const std::uint32_t count = runs - file_entries;
  write.entries.reserve((count + 1) * kIndexEntryBytes);
  for (std::uint32_t i = 0; i < count; ++i) append(EntryKind::kRun, tail[i]);
  if (seal_due && count == tail.size()) {
    append(EntryKind::kSeal, open);
    write.ends_file = true;
  }
  return write;
}

void Segment::index_written(std::uint32_t runs, const IndexWrite& write) {
  const std::uint32_t count = runs - file_entries;
  const auto written_end = tail.begin() + count;
  if (resident) resident->insert(resident->end(), tail.begin(), written_end);
  tail.erase(tail.begin(), written_end);
  file_entries = runs;
  header_due = false;
  if (write.ends_file) seal_due = false;
}

void Segment::replace_runs(std::vector<Run> runs, Runs kind) {
  ++index_version;
  if (kind == Runs::kWithGaps) {
    // Kept in memory only, as if it had been loaded.
    file_entries = static_cast<std::uint32_t>(runs.size());
    resident = std::move(runs);
    index_is_patched = true;
    return;
  }
  tail.insert(tail.begin(), runs.begin(), runs.end());
  file_entries = 0;
  resident.emplace();
  header_due = true;
  seal_due = sealed;
}

void Segment::add(const record::BatchView& batch, Timestamp now, std::uint64_t run_bytes) {
  if (!admits(open, batch)) close_run();
  extend(open, base, batch, now);
  if (open.length >= run_bytes) close_run();
}

void Segment::close_run() {
  if (open.empty()) return;
  tail.push_back(open);
  open = next_run(open);
}

void Segment::seal() {
  close_run();
  sealed = true;
  seal_due = true;
}

}  // namespace penstock::storage
