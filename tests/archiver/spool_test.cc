// Batches wait in a file and come back as they were, or not at all.
#include "archiver/spool.h"

#include <gtest/gtest.h>

#include "protocol/record/builder.h"
#include "tests/archiver/archive_fixture.h"

namespace penstock::archiver {
namespace {

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() : folder_(make_folder("spool")) {}
  ~SpoolTest() override { (void)posix_env().remove_tree(folder_); }

  static Bytes batch(Rng& rng, Offset base) {
    record::BatchBuilder builder({.codec = record::Codec::kLz4});
    for (const record::Record& record : any_records(rng, 1 + rng.below(5))) builder.append(record);
    Bytes bytes = builder.build().value();
    record::assign_position(bytes, base, Term(9));
    return bytes;
  }
  Result<std::vector<Bytes>> read_all(const Spool& spool) {
    std::vector<Bytes> batches;
    Spool::Reader reader(spool);
    while (true) {
      PENSTOCK_TRY_ASSIGN(const auto next, reader.next());
      if (!next) return batches;
      batches.emplace_back(next->bytes().begin(), next->bytes().end());
    }
  }

  std::string folder_;
};

TEST_F(SpoolTest, BatchesComeBackAsTheyWere) {
  Spool spool = Spool::create(posix_env(), folder_ + "/s").value();
  Rng rng(1);
  std::vector<Bytes> written;
  for (int i = 0; i < 50; ++i) {
    written.push_back(batch(rng, Offset(i * 10)));
    ASSERT_TRUE(spool.append(record::BatchView::parse(written.back()).value()));
  }
  EXPECT_EQ(read_all(spool).value(), written);
  ASSERT_TRUE(spool.clear());
  EXPECT_TRUE(read_all(spool)->empty());
}

TEST_F(SpoolTest, WhatADeadWorkerLeftIsOverwritten) {
  ASSERT_TRUE(posix_env().replace_file(folder_ + "/s", as_bytes("old garbage")));
  Spool spool = Spool::create(posix_env(), folder_ + "/s").value();
  EXPECT_TRUE(read_all(spool)->empty());
}

TEST_F(SpoolTest, EveryFlippedBitIsNoticedAlsoWhereABatchHasNoChecksum) {
  Spool spool = Spool::create(posix_env(), folder_ + "/s").value();
  Rng rng(2);
  const Bytes bytes = batch(rng, Offset(5));
  ASSERT_TRUE(spool.append(record::BatchView::parse(bytes).value()));
  const auto file = posix_env().open(folder_ + "/s", OpenMode::kReadWrite).value();
  for (std::uint64_t at = 0; at < spool.size_bytes(); ++at) {
    Bytes one(1);
    ASSERT_TRUE(file->read_at(at, one));
    const std::byte before = one[0];
    one[0] ^= std::byte{16};
    ASSERT_TRUE(file->write_at(at, one));
    EXPECT_FALSE(read_all(spool).has_value()) << "at byte " << at;
    one[0] = before;
    ASSERT_TRUE(file->write_at(at, one));
  }
  EXPECT_TRUE(read_all(spool).has_value());
}

TEST_F(SpoolTest, AFileThatShrankIsNoticed) {
  Spool spool = Spool::create(posix_env(), folder_ + "/s").value();
  Rng rng(3);
  ASSERT_TRUE(spool.append(record::BatchView::parse(batch(rng, Offset(0))).value()));
  const auto file = posix_env().open(folder_ + "/s", OpenMode::kReadWrite).value();
  for (std::uint64_t size = 0; size < spool.size_bytes(); size += 7) {
    ASSERT_TRUE(file->truncate(size));
    EXPECT_FALSE(read_all(spool).has_value()) << size;
    ASSERT_TRUE(file->truncate(spool.size_bytes()));
  }
}

}  // namespace
}  // namespace penstock::archiver
