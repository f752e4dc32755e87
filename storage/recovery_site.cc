#include "storage/recovery_site.h"

#include <algorithm>
#include <map>

#include "storage/segment_index.h"
#include "storage/side_files.h"

namespace penstock::storage {

RecoverySite::RecoverySite(Env& the_env, const Clock& clock, const std::string& the_dir,
                           const LogIdentity& the_identity, std::uint64_t the_run_bytes)
    : env(the_env),
      now(clock.wall()),
      dir(the_dir),
      identity(the_identity),
      run_bytes(the_run_bytes) {}

// --- looking

Status RecoverySite::survey() {
  PENSTOCK_TRY_ASSIGN(const auto entries, env.list(dir));
  std::map<Offset, FoundSegment> segments;
  for (const FileInfo& entry : entries) {
    const auto name = parse_segment_name(entry.name);
    if (!name || entry.is_dir) {
      if (!is_beside_segments(entry.name)) note("ignored unknown file " + entry.name);
      continue;
    }
    FoundSegment& segment = segments[name->base];
    segment.base = name->base;
    if (name->kind == SegmentFile::kIndex) {
      segment.has_index = true;
      continue;
    }
    segment.has_log = true;
    PENSTOCK_TRY_ASSIGN(const auto file, env.open(dir + "/" + entry.name, OpenMode::kRead));
    PENSTOCK_TRY_ASSIGN(segment.log_bytes, file->size());
  }
  for (const auto& [base, segment] : segments) found.push_back(segment);
  return {};
}

Status RecoverySite::read_checkpoint() {
  const std::string path = dir + "/" + std::string(kCheckpointName);
  const auto file = env.read_file(path, kCheckpointFileBytes);
  if (!file) {
    const Errc code = file.error().code();
    if (code != Errc::kNotFound && code != Errc::kCorrupt) return fail(file.error());
    if (!found.empty()) note("the checkpoint is missing: all segments were scanned");
    return {};
  }
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    const std::size_t at = slot * kSlotStride;
    if (at < file->size() && is_other_version(ByteView(*file).subspan(at))) {
      return fail(Errc::kForeignData, path + ": written by another version of Penstock");
    }
  }
  out.newest = newest_slot(*file);
  if (out.newest) return check_owner(out.newest->checkpoint.identity, path);
  if (!found.empty()) note("the checkpoint is unreadable: all segments were scanned");
  return {};
}

Status RecoverySite::check_owner(const LogIdentity& owner, const std::string& path) const {
  if (owner.partition == identity.partition) return {};
  return fail(Errc::kForeignData, path + " belongs to partition " +
                                      std::to_string(owner.partition.partition.value()) +
                                      " of topic " + owner.partition.topic.to_string());
}

Result<std::optional<IndexHeader>> RecoverySite::read_index_header(Offset base) {
  const std::string file_path = path(base, SegmentFile::kIndex);
  const auto file = env.open(file_path, OpenMode::kRead);
  if (!file) {
    if (file.error().code() == Errc::kNotFound) return std::nullopt;
    return fail(file.error());
  }
  IndexHeaderBytes bytes{};
  PENSTOCK_TRY_ASSIGN(const std::size_t got, (*file)->read_at(0, bytes));
  const auto header = decode_index_header(ByteView(bytes).first(got));
  if (!header) return std::nullopt;
  PENSTOCK_TRY(check_owner(header->identity, file_path));
  if (header->segment_base != base) return std::nullopt;
  return header;
}

IndexSource RecoverySite::index_source(const Segment& segment, const Run& end) const {
  return IndexSource{.env = &env,
                     .path = path(segment.base, SegmentFile::kIndex),
                     .log = segment.log,
                     .identity = identity,
                     .base = segment.base,
                     .end_position = end.position,
                     .end_delta = end.base_delta,
                     .run_bytes = run_bytes,
                     .now = now};
}

// --- reporting

void RecoverySite::note_shadowed(Offset base) {
  note("ignored segment " + segment_file_name(base, SegmentFile::kLog) +
       ": an earlier segment holds its offsets");
}

void RecoverySite::forget_damage_below_start() {
  const Offset start = out.log_start;
  std::erase_if(out.report.damage, [start](const RecoveryReport::Damage& range) {
    return range.begin < start && range.end <= start;
  });
  for (auto& range : out.report.damage) range.begin = std::max(range.begin, start);
}

// --- changing the disk

// What was read may be a page that an fsync failed to write: it must not be believed now and be
// gone after a power cut, when files were removed and readers were answered on its word.
Status RecoverySite::confirm_checkpoint() {
  SideFiles side_files(env, dir);
  side_files.resume(out.newest->checkpoint.sequence, out.newest->slot);
  const auto stored = side_files.store(side_files.generation(), {}, out.newest->checkpoint, 0);
  if (!stored) return fail(stored.error());
  ++out.newest->checkpoint.sequence;
  out.newest->slot = (out.newest->slot + 1) % kSlotCount;
  return {};
}

Status RecoverySite::remove(const std::vector<Offset>& bases, std::uint64_t* bytes) {
  for (const Offset base : bases) {
    for (const SegmentFile kind : {SegmentFile::kLog, SegmentFile::kIndex}) {
      if (bytes != nullptr && kind == SegmentFile::kLog) {
        const auto entry = std::ranges::find(found, base, &FoundSegment::base);
        if (entry != found.end()) *bytes += entry->log_bytes;
      }
      const Status removed = env.remove_file(path(base, kind));
      if (!removed && removed.error().code() != Errc::kNotFound) return removed;
    }
  }
  if (bases.empty()) return {};
  return env.sync_dir(dir);
}

Status RecoverySite::cut_log(Segment& segment) {
  PENSTOCK_TRY(segment.log->truncate(segment.size()));
  segment.allocated = segment.size();
  return segment.log->sync_data();
}

// A side file never speaks of batches that are no more, and an open segment has no seal: what a
// checkpoint wrote before the crash and did not come to vouch for goes.
Status RecoverySite::cut_index(const Segment& segment) {
  const auto file = env.open(path(segment.base, SegmentFile::kIndex), OpenMode::kReadWrite);
  if (!file) return file.error().code() == Errc::kNotFound ? Status() : fail(file.error());
  PENSTOCK_TRY_ASSIGN(const std::uint64_t size, (*file)->size());
  const std::uint64_t wanted =
      segment.header_due || segment.index_is_patched ? 0 : entry_position(segment.file_entries);
  if (size <= wanted) return {};
  PENSTOCK_TRY((*file)->truncate(wanted));
  return (*file)->sync_data();
}

}  // namespace penstock::storage
