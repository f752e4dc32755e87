#include "storage/side_files.h"

#include <array>

#include "storage/segment_name.h"

namespace penstock::storage {

SideFiles::SideFiles(Env& env, std::string dir) : env_(env), dir_(std::move(dir)) {}

void SideFiles::resume(std::uint64_t newest_sequence, std::size_t newest_slot) {
  const std::scoped_lock lock(mutex_);
  sequence_ = newest_sequence;
  next_slot_ = (newest_slot + 1) % kSlotCount;
}

void SideFiles::supersede() {
  const std::scoped_lock lock(mutex_);
  ++generation_;
}

Result<Stored> SideFiles::store(std::uint64_t generation, const std::vector<IndexWrite>& indexes,
                                Checkpoint checkpoint, std::uint32_t entries_on_disk) {
  const std::scoped_lock lock(mutex_);
  if (generation != generation_.load()) return Stored::kNothing;
  Stored stored = Stored::kAll;
  for (const IndexWrite& write : indexes) {
    const Status written = write_index(write);
    if (written) continue;
    if (written.error().code() != Errc::kDiskFull) return fail(written.error());
    stored = Stored::kWithoutIndexes;
    checkpoint.index_entries = entries_on_disk;
    break;
  }
  checkpoint.sequence = sequence_ + 1;
  PENSTOCK_TRY(write_slot(checkpoint));
  sequence_ = checkpoint.sequence;
  next_slot_ = (next_slot_ + 1) % kSlotCount;
  return stored;
}

Status SideFiles::write_index(const IndexWrite& write) {
  PENSTOCK_TRY_ASSIGN(const auto file, env_.open(write.path, OpenMode::kOpenOrCreate));
  if (write.write_header) {
    PENSTOCK_TRY(file->truncate(0));
    PENSTOCK_TRY(file->write_at(0, write.header));
  }
  const std::uint64_t begin = entry_position(write.first_entry);
  if (!write.entries.empty()) PENSTOCK_TRY(file->write_at(begin, write.entries));
  if (write.ends_file) PENSTOCK_TRY(file->truncate(begin + write.entries.size()));
  PENSTOCK_TRY(file->sync_data());
  // A file that is begun anew may be new in its folder too.
  if (write.write_header) PENSTOCK_TRY(env_.sync_dir(dir_));
  return {};
}

Status SideFiles::open_checkpoint_file() {
  const std::string path = dir_ + "/" + std::string(kCheckpointName);
  PENSTOCK_TRY_ASSIGN(auto file, env_.open(path, OpenMode::kOpenOrCreate));
  PENSTOCK_TRY_ASSIGN(const std::uint64_t size, file->size());
  // A valid slot proves that the file's entry in the folder is durable; without one it may not be.
  if (size < kCheckpointFileBytes || sequence_ == 0) {
    // Space for both slots now, so that no later write of one can meet a full disk.
    PENSTOCK_TRY(file->allocate(kCheckpointFileBytes));
    PENSTOCK_TRY(file->sync_data());
    PENSTOCK_TRY(env_.sync_dir(dir_));
  }
  checkpoint_file_ = std::move(file);
  return {};
}

Status SideFiles::write_slot(const Checkpoint& checkpoint) {
  if (!checkpoint_file_) PENSTOCK_TRY(open_checkpoint_file());
  const SlotBytes slot = encode(checkpoint);
  PENSTOCK_TRY(checkpoint_file_->write_at(next_slot_ * kSlotStride, slot));
  return checkpoint_file_->sync_data();
}

}  // namespace penstock::storage
