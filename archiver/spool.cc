#include "archiver/spool.h"

#include <xxhash.h>

#include <array>

#include "base/coding.h"

namespace penstock::archiver {
namespace {

constexpr std::size_t kHashSize = 8;

std::uint64_t prefix_hash(ByteView batch) {
  return XXH3_64bits(batch.data(), record::kUncheckedPrefixSize);
}

}  // namespace

Result<Spool> Spool::create(Env& env, std::string path) {
  PENSTOCK_TRY_ASSIGN(auto file, env.open(path, OpenMode::kOpenOrCreate));
  PENSTOCK_TRY(file->truncate(0));
  return Spool(std::move(file));
}

Status Spool::append(const record::BatchView& batch) {
  std::array<std::byte, kHashSize> hash;
  store_le(hash.data(), prefix_hash(batch.bytes()));
  const std::array<ByteView, 2> parts{ByteView(hash), batch.bytes()};
  PENSTOCK_TRY(file_->write_parts_at(size_, parts));
  size_ += kHashSize + batch.size();
  return {};
}

Status Spool::clear() {
  PENSTOCK_TRY(file_->truncate(0));
  size_ = 0;
  return {};
}

Result<std::optional<record::BatchView>> Spool::Reader::next() {
  if (position_ == spool_->size_) return std::nullopt;
  std::array<std::byte, kHashSize + record::kLengthPrefixSize> head;
  PENSTOCK_TRY_ASSIGN(const std::size_t got, spool_->file_->read_at(position_, head));
  const auto damaged = [&](const std::string& why) {
    return fail(Errc::kCorrupt, spool_->path() + ": " + why);
  };
  if (got != head.size()) return damaged("ends early");
  PENSTOCK_TRY_ASSIGN(const std::size_t size,
                      record::BatchView::total_size(ByteView(head).subspan(kHashSize)));
  if (size > spool_->size_ - position_ - kHashSize) return damaged("ends early");
  batch_.resize(size);
  PENSTOCK_TRY_ASSIGN(const std::size_t read,
                      spool_->file_->read_at(position_ + kHashSize, batch_));
  if (read != size) return damaged("ends early");
  PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(batch_));
  if (load_le<std::uint64_t>(head.data()) != prefix_hash(batch_)) return damaged("batch header");
  PENSTOCK_TRY(batch.verify_crc());
  position_ += kHashSize + size;
  return batch;
}

}  // namespace penstock::archiver
