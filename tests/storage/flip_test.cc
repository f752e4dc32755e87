// One flipped bit anywhere is either harmless or noticed, and costs at most the batch it hits.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/batch.h"
#include "storage/checkpoint.h"
#include "storage/segment_index.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

struct Tally {
  std::uint64_t bytes = 0;
  std::uint64_t flips = 0;
  std::uint64_t detected = 0;
  std::uint64_t benign = 0;
  std::uint64_t silent = 0;
  std::uint64_t lost = 0;
  std::string first_bad;
};

bool in_a_header(const LogScene& scene, const std::string& path, std::size_t at) {
  if (path.ends_with(".idx")) return at < kIndexHeaderBytes;
  if (path.ends_with("checkpoint")) return at % kSlotStride < kSlotBytes;
  static_cast<void>(scene);
  return at < record::kHeaderSize;
}

void flip(const LogScene& before, const std::string& path, std::size_t at, unsigned bit,
          std::int64_t longest_run, Tally& tally) {
  Bytes bytes = *before.env->contents(path);
  bytes[at] ^= static_cast<std::byte>(1U << bit);
  LogScene scene(before, at);
  scene.env->put(path, bytes);
  ++tally.flips;
  const auto bad = [&](std::uint64_t& count, const std::string& why) {
    ++count;
    if (tally.first_bad.empty()) {
      tally.first_bad =
          path + " byte " + std::to_string(at) + " bit " + std::to_string(bit) + ": " + why;
    }
  };
  if (const Status opened = scene.open(); !opened) {
    return bad(tally.lost, "does not open: " + opened.error().to_string());
  }
  std::int64_t damaged = 0;
  const std::string wrong = scene.check(&damaged);
  if (!wrong.empty()) return bad(tally.silent, wrong);
  const bool is_log = path.ends_with(".log");
  // Damage is confined: to one run of batches for a flip in the log, to nothing for a side file.
  if (damaged > (is_log ? longest_run : 0)) {
    return bad(tally.lost, std::to_string(damaged) + " records are unreadable");
  }
  const bool noticed = damaged > 0 || scene.log->rebuilt_indexes() > 0 ||
                       scene.report.rebuilt_indexes > 0 || scene.report.truncated_bytes > 0 ||
                       !scene.report.notes.empty() || !scene.report.damage.empty();
  ++(noticed ? tally.detected : tally.benign);
}

void flip_everywhere(const LogScene& before, std::int64_t longest_run, Tally& tally) {
  Rng rng(11);
  for (const std::string& path : before.files()) {
    const std::size_t size = before.env->contents(path)->size();
    for (std::size_t at = 0; at < size; ++at) {
      ++tally.bytes;
      if (in_a_header(before, path, at)) {
        for (unsigned bit = 0; bit < 8; ++bit) flip(before, path, at, bit, longest_run, tally);
      } else {
        flip(before, path, at, static_cast<unsigned>(rng.below(8)), longest_run, tally);
      }
    }
  }
}

constexpr std::int64_t kLongestRun = 40;  // records; runs close at 700 bytes

void fill(LogScene& scene) {
  ASSERT_TRUE(scene.open());
  while (scene.log->segments().size() < 3) ASSERT_TRUE(scene.append());
  ASSERT_TRUE(scene.append(5));
  ASSERT_TRUE(scene.flush());
}

void report(const char* what, const Tally& tally) {
  std::printf("FLIP state=%s bytes=%lu flips=%lu detected=%lu benign=%lu silent=%lu lost=%lu\n",
              what, tally.bytes, tally.flips, tally.detected, tally.benign, tally.silent,
              tally.lost);
  EXPECT_EQ(tally.silent + tally.lost, 0U) << tally.first_bad;
}

TEST(BitFlip, InEveryByteOfAClosedLog) {
  LogScene scene;
  fill(scene);
  ASSERT_TRUE(scene.close());
  Tally tally;
  flip_everywhere(scene, kLongestRun, tally);
  report("closed", tally);
}

TEST(BitFlip, InEveryByteOfALogThatCrashedAfterACheckpoint) {
  LogScene scene;
  fill(scene);
  ASSERT_TRUE(scene.checkpoint());
  scene.crash(fakes::Survives::kNothingUnsynced);
  Tally tally;
  flip_everywhere(scene, kLongestRun, tally);
  report("crashed", tally);
}

}  // namespace
}  // namespace penstock::storage
