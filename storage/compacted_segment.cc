#include "storage/compacted_segment.h"

#include <algorithm>
#include <map>
#include <utility>

#include "storage/limits.h"
#include "storage/segment_index.h"
#include "storage/segment_name.h"

namespace penstock::storage {
namespace {

std::string path_of(const std::string& dir, Offset base, SegmentFile kind) {
  return dir + "/" + segment_file_name(base, kind);
}

std::string compacted_path(const std::string& dir, Offset base, SegmentFile kind) {
  return path_of(dir, base, kind) + std::string(kCompactedSuffix);
}

// Whether it was there.
Result<bool> remove_if_there(Env& env, const std::string& path) {
  const Status removed = env.remove_file(path);
  if (removed) return true;
  if (removed.error().code() == Errc::kNotFound) return false;
  return fail(removed.error());
}

}  // namespace

CompactedSegment::CompactedSegment(Env& env, std::string dir, LogIdentity identity, Offset base,
                                   Timestamp created, std::uint64_t run_bytes)
    : env_(env), dir_(std::move(dir)), identity_(identity), run_bytes_(run_bytes) {
  segment_.base = base;
  segment_.created = created;
  segment_.header_due = true;
  segment_.resident.emplace();
}

Status CompactedSegment::note(Status status) {
  if (!status && status.error().code() != Errc::kDiskFull) write_failed_ = true;
  return status;
}

Status CompactedSegment::create() {
  PENSTOCK_TRY(give_up_compacted(env_, dir_, segment_.base));
  PENSTOCK_TRY_ASSIGN(file_, env_.open(compacted_path(dir_, segment_.base, SegmentFile::kLog),
                                       OpenMode::kOpenOrCreate));
  PENSTOCK_TRY(file_->truncate(0));
  // Before the side file can appear under its name.
  return env_.sync_dir(dir_);
}

Status CompactedSegment::begin(const File& source) {
  PENSTOCK_TRY(note(create()));
  while (written_ < segment_.size()) {
    buffer_.resize(static_cast<std::size_t>(
        std::min<std::uint64_t>(segment_.size() - written_, kCompactionWriteBytes)));
    PENSTOCK_TRY_ASSIGN(const std::size_t got, source.read_at(written_, buffer_));
    if (got != buffer_.size()) {
      return fail(Errc::kCorrupt, source.path() + ": the file was shortened");
    }
    PENSTOCK_TRY(write_out());
  }
  return {};
}

Status CompactedSegment::add(const record::BatchView& batch, Timestamp appended) {
  if (segment_.size() + batch.size() > kMaxSegmentBytes + kMaxAppendBytes) {
    return fail(Errc::kBatchTooLarge, dir_ + ": a compacted segment would be too large");
  }
  segment_.add(batch, appended, run_bytes_);
  if (!begun()) return {};
  buffer_.insert(buffer_.end(), batch.bytes().begin(), batch.bytes().end());
  return buffer_.size() < kCompactionWriteBytes ? Status() : write_out();
}

Status CompactedSegment::write_out() {
  if (buffer_.empty()) return {};
  PENSTOCK_TRY(note(file_->write_at(written_, buffer_)));
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

Status CompactedSegment::write_index() {
  const auto runs = static_cast<std::uint32_t>(segment_.tail.size());
  const IndexWrite write = segment_.index_write(
      compacted_path(dir_, segment_.base, SegmentFile::kIndex), identity_, runs);
  PENSTOCK_TRY_ASSIGN(const auto index, env_.open(write.path, OpenMode::kOpenOrCreate));
  PENSTOCK_TRY(index->truncate(0));
  PENSTOCK_TRY(index->write_at(0, write.header));
  PENSTOCK_TRY(index->write_at(entry_position(0), write.entries));
  PENSTOCK_TRY(index->sync_data());
  PENSTOCK_TRY(env_.sync_dir(dir_));
  segment_.index_written(runs, write);
  return {};
}

Status CompactedSegment::finish() {
  PENSTOCK_TRY(write_out());
  PENSTOCK_TRY(note(file_->sync_data()));
  segment_.seal();
  return note(write_index());
}

Segment CompactedSegment::segment() const {
  Segment segment;
  segment.base = segment_.base;
  segment.created = segment_.created;
  segment.open = segment_.open;
  segment.file_entries = segment_.file_entries;
  segment.sealed = true;
  return segment;
}

Status give_up_compacted(Env& env, const std::string& dir, Offset base) {
  PENSTOCK_TRY_ASSIGN(const bool had_index,
                      remove_if_there(env, compacted_path(dir, base, SegmentFile::kIndex)));
  // A side file that came back alone would be taken for a commit.
  if (had_index) PENSTOCK_TRY(env.sync_dir(dir));
  PENSTOCK_TRY(remove_if_there(env, compacted_path(dir, base, SegmentFile::kLog)));
  return {};
}

Status replace_log_file(Env& env, const std::string& dir, Offset base) {
  return env.rename(compacted_path(dir, base, SegmentFile::kLog),
                    path_of(dir, base, SegmentFile::kLog));
}

Status finish_replacing(Env& env, const std::string& dir, Offset base,
                        const std::vector<Offset>& merged) {
  // Nothing goes before it is certain that the new file stays.
  PENSTOCK_TRY(env.sync_dir(dir));
  for (const Offset old : merged) {
    for (const SegmentFile kind : {SegmentFile::kLog, SegmentFile::kIndex}) {
      PENSTOCK_TRY(remove_if_there(env, path_of(dir, old, kind)));
    }
  }
  if (!merged.empty()) PENSTOCK_TRY(env.sync_dir(dir));
  PENSTOCK_TRY(env.rename(compacted_path(dir, base, SegmentFile::kIndex),
                          path_of(dir, base, SegmentFile::kIndex)));
  return env.sync_dir(dir);
}

namespace {

struct Leftover {
  bool has_log = false;
  bool has_index = false;
};

// Nobody can tell what the segment replaced; its own index is made anew from its batches, and what
// they cover of other files is passed over.
Status drop_both_indexes(Env& env, const std::string& dir, Offset base) {
  PENSTOCK_TRY(env.sync_dir(dir));
  PENSTOCK_TRY(remove_if_there(env, path_of(dir, base, SegmentFile::kIndex)));
  PENSTOCK_TRY(env.sync_dir(dir));
  PENSTOCK_TRY(remove_if_there(env, compacted_path(dir, base, SegmentFile::kIndex)));
  return env.sync_dir(dir);
}

Status finish_after_crash(Env& env, const std::string& dir, Offset base,
                          const std::vector<Offset>& bases, std::vector<std::string>& notes) {
  const std::string path = compacted_path(dir, base, SegmentFile::kIndex);
  const auto file = env.read_file(path, kMaxIndexBytes);
  if (!file && file.error().code() == Errc::kIoError) return fail(file.error());
  const IndexContents contents = file ? decode_index(*file) : IndexContents{};
  if (!contents.header || contents.header->segment_base != base || !contents.seal) {
    notes.push_back(path + " is unreadable: the index is made anew");
    return drop_both_indexes(env, dir, base);
  }
  const Offset end = base + contents.seal->end_delta;
  std::vector<Offset> merged;
  std::ranges::copy_if(bases, std::back_inserter(merged),
                       [&](Offset other) { return base < other && other < end; });
  return finish_replacing(env, dir, base, merged);
}

}  // namespace

Status settle_compaction(Env& env, const std::string& dir, std::vector<std::string>& notes) {
  PENSTOCK_TRY_ASSIGN(const auto entries, env.list(dir));
  std::map<Offset, Leftover> leftovers;
  std::vector<Offset> bases;
  for (const FileInfo& entry : entries) {
    if (const auto name = parse_segment_name(entry.name)) bases.push_back(name->base);
    const auto name = parse_compacted_name(entry.name);
    if (!name || entry.is_dir) continue;
    Leftover& leftover = leftovers[name->base];
    (name->kind == SegmentFile::kLog ? leftover.has_log : leftover.has_index) = true;
  }
  std::ranges::sort(bases);
  bases.erase(std::ranges::unique(bases).begin(), bases.end());
  for (const auto& [base, leftover] : leftovers) {
    if (leftover.has_log) {
      PENSTOCK_TRY(give_up_compacted(env, dir, base));
    } else {
      PENSTOCK_TRY(finish_after_crash(env, dir, base, bases, notes));
    }
  }
  return {};
}

}  // namespace penstock::storage
