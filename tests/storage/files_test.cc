// Files that are missing, empty, somebody else's, or from last week.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/coding.h"
#include "protocol/record/crc32c.h"
#include "storage/checkpoint.h"
#include "storage/segment_index.h"
#include "tests/storage/expect.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

using fakes::Survives;

// Four segments and a bit, flushed and checkpointed; the process was killed.
void fill(LogScene& scene) {
  ASSERT_OK(scene.open());
  while (scene.log->segments().size() < 4) ASSERT_OK(scene.append());
  ASSERT_OK(scene.append(5));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.checkpoint());
  scene.crash(Survives::kNothingUnsynced);
}

// The log opens and either has everything or says what it lacks.
std::string honest(LogScene& scene, std::int64_t& damaged) {
  if (const Status status = scene.open(); !status) return status.error().to_string();
  if (const std::string wrong = scene.check(&damaged); !wrong.empty()) return wrong;
  return {};
}

bool is_log(const std::string& path) { return path.ends_with(".log"); }

TEST(Files, EachOneMissing) {
  LogScene before;
  fill(before);
  for (const std::string& path : before.files()) {
    LogScene scene(before, 1);
    scene.env->remove(path);
    std::int64_t damaged = 0;
    EXPECT_EQ(honest(scene, damaged), "") << path;
    EXPECT_EQ(damaged > 0, is_log(path)) << path << " costs " << damaged << " records";
    EXPECT_EQ(scene.report.damage.empty(), !is_log(path)) << path;
  }
}

TEST(Files, EachOneEmpty) {
  LogScene before;
  fill(before);
  for (const std::string& path : before.files()) {
    LogScene scene(before, 1);
    scene.env->put(path, {});
    std::int64_t damaged = 0;
    EXPECT_EQ(honest(scene, damaged), "") << path;
    EXPECT_EQ(damaged > 0, is_log(path)) << path << " costs " << damaged << " records";
    EXPECT_EQ(scene.report.damage.empty(), !is_log(path)) << path;
  }
}

TEST(Files, EachOneOfAnotherPartition) {
  LogScene before;
  fill(before);
  LogScene other(99);
  other.identity.partition.partition = PartitionId(8);
  fill(other);
  for (const std::string& path : before.files()) {
    // The same place in the other log, as a careless restore would put it.
    const auto found = other.env->contents(path);
    const auto names = other.files();
    const auto last = std::find_if(names.rbegin(), names.rend(), is_log);
    const Bytes foreign = found ? *found : *other.env->contents(*last);
    LogScene scene(before, 1);
    scene.env->put(path, foreign);
    std::int64_t damaged = 0;
    const std::string outcome = honest(scene, damaged);
    if (is_log(path)) {
      EXPECT_EQ(outcome, "") << path;
      EXPECT_GT(damaged, 0) << path;
    } else if (found) {
      EXPECT_TRUE(outcome.starts_with("ForeignData")) << path << ": " << outcome;
      EXPECT_NE(outcome.find(path), std::string::npos) << "names the file: " << outcome;
    } else {
      EXPECT_EQ(outcome, "") << path << ": no side file at all, hence made anew";
    }
  }
}

TEST(Files, TwoSegmentsExchanged) {
  LogScene before;
  fill(before);
  const Bytes first = *before.env->contents(before.path("00000000000000000000.log"));
  std::string second_path;
  for (const std::string& path : before.files()) {
    if (is_log(path) && path > before.path("00000000000000000000.log") && second_path.empty()) {
      second_path = path;
    }
  }
  const Bytes second = *before.env->contents(second_path);
  before.env->put(before.path("00000000000000000000.log"), second);
  before.env->put(second_path, first);
  std::int64_t damaged = 0;
  EXPECT_EQ(honest(before, damaged), "");
  EXPECT_GT(damaged, 0);
}

// Every file as it was at an earlier moment, the others as they are now.
TEST(Files, EachOneFromAnEarlierMoment) {
  LogScene scene;
  ASSERT_OK(scene.open());
  std::vector<std::map<std::string, Bytes>> moments;
  for (int moment = 0; moment < 6; ++moment) {
    ASSERT_OK(scene.append(15));
    ASSERT_OK(scene.flush());
    ASSERT_OK(scene.checkpoint());
    std::map<std::string, Bytes> files;
    for (const std::string& path : scene.files()) files[path] = *scene.env->contents(path);
    moments.push_back(std::move(files));
  }
  scene.crash(Survives::kNothingUnsynced);
  std::uint64_t cases = 0;
  for (const auto& files : moments) {
    for (const auto& [path, contents] : files) {
      const Bytes now = *scene.env->contents(path);
      LogScene restored(scene, 1);
      restored.env->put(path, contents);
      std::int64_t damaged = 0;
      EXPECT_EQ(honest(restored, damaged), "") << path;
      // An older segment lacks records; older side files cost nothing.
      const bool lacks = is_log(path) && !equal(now, contents) &&
                         !std::ranges::equal(
                             std::span(now).first(std::min(now.size(), contents.size())), contents);
      EXPECT_EQ(damaged > 0, lacks) << path << " costs " << damaged;
      ++cases;
    }
  }
  EXPECT_GT(cases, 20U);
}

TEST(Files, AMissingSegmentInTheMiddleIsAHoleNotAnEnd) {
  LogScene scene;
  fill(scene);
  std::vector<std::string> logs;
  for (const std::string& path : scene.files()) {
    if (is_log(path)) logs.push_back(path);
  }
  scene.env->remove(logs[1]);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_end(), scene.acknowledged);
  ASSERT_EQ(scene.report.damage.size(), 1U);
  EXPECT_OK(scene.append(2)) << "the end is certain: the log goes on";
  std::int64_t damaged = 0;
  EXPECT_EQ(scene.check(&damaged), "");
}

TEST(Files, AMissingLastSegmentStopsAppendsUntilTheEndIsDecided) {
  LogScene scene;
  fill(scene);
  std::string last;
  for (const std::string& path : scene.files()) {
    if (is_log(path)) last = path;
  }
  scene.env->remove(last);
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.log->log_end(), scene.acknowledged) << "its offsets are not given out again";
  EXPECT_EQ(scene.append(1).error().code(), Errc::kPartitionDamaged);

  LogScene deleting(scene, 1);  // delete-records up to the end: the operator gives them up
  ASSERT_OK(deleting.open());
  ASSERT_OK(deleting.truncate_prefix(deleting.log->log_end()));
  EXPECT_TRUE(deleting.log->damage().empty());
  EXPECT_OK(deleting.append(3));
  ASSERT_OK(deleting.flush());
  deleting.crash(Survives::kNothingUnsynced);
  ASSERT_OK(deleting.open());
  EXPECT_TRUE(deleting.report.damage.empty());
  EXPECT_EQ(deleting.check(), "");

  LogScene cutting(scene, 1);  // or a peer's records are to follow from where they are missing
  ASSERT_OK(cutting.open());
  const Offset lost = cutting.log->damage().front().begin;
  ASSERT_OK(cutting.truncate_suffix(lost));
  EXPECT_TRUE(cutting.log->damage().empty());
  EXPECT_OK(cutting.append(3));
  ASSERT_OK(cutting.flush());
  cutting.crash(Survives::kNothingUnsynced);
  ASSERT_OK(cutting.open());
  EXPECT_EQ(cutting.check(), "");
}

TEST(Files, UnknownOnesAreLeftAloneAndMentioned) {
  LogScene scene;
  fill(scene);
  scene.env->put(scene.path("notes.txt"), as_bytes("do not delete"));
  scene.env->put(scene.path("00000000000000000001.log"), as_bytes("a stray copy"));
  ASSERT_OK(scene.open());
  EXPECT_EQ(scene.report.notes.size(), 2U);
  EXPECT_EQ(scene.check(), "");
  EXPECT_TRUE(scene.env->contents(scene.path("notes.txt")).has_value());
  EXPECT_TRUE(scene.env->contents(scene.path("00000000000000000001.log")).has_value());
}

// What is left over from a removal is told by a segment's own end, not by the name of the next.
TEST(Files, AStrayBelowTheLogStartDoesNotMakeGoodSegmentsGo) {
  LogScene scene;
  fill(scene);
  ASSERT_OK(scene.open());
  const Offset inside(2);
  ASSERT_OK(scene.truncate_prefix(inside));
  scene.env->put(scene.path("00000000000000000001.log"), as_bytes("a stray copy"));
  scene.crash(Survives::kNothingUnsynced);
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_EQ(scene.check(), "");
}

TEST(Files, ASideFileThatOutlivedItsSegmentIsRemoved) {
  LogScene scene;
  fill(scene);
  const std::string orphan = scene.path("00000000000000009999.idx");
  scene.env->put(orphan, as_bytes("left over"));
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_FALSE(scene.env->contents(orphan).has_value());
}

TEST(Files, AnotherVersionsCheckpointIsRefused) {
  LogScene scene;
  fill(scene);
  Bytes file = *scene.env->contents(scene.path("checkpoint"));
  const auto newest = newest_slot(file);
  ASSERT_TRUE(newest.has_value());
  SlotBytes slot = encode(newest->checkpoint);
  slot[8] = std::byte{2};  // version 2, with the checksum that it would have
  ASSERT_FALSE(is_other_version(slot)) << "not with a wrong checksum";
  const std::uint32_t crc = record::crc32c(ByteView(slot).first(kSlotBytes - 4));
  store_le(slot.data() + kSlotBytes - 4, crc);
  ASSERT_TRUE(is_other_version(slot));
  std::ranges::copy(slot, file.begin());
  scene.env->put(scene.path("checkpoint"), file);
  EXPECT_EQ(scene.open().error().code(), Errc::kForeignData);
}

// Then intact index entries count as proof of what was durable: they must not speak of what was
// cut.
TEST(Files, WithoutACheckpointALogThatWasCutRaisesNoFalseAlarm) {
  LogScene scene;
  ASSERT_OK(scene.open());
  ASSERT_OK(scene.append(100));
  ASSERT_OK(scene.flush());
  ASSERT_OK(scene.checkpoint());
  ASSERT_OK(scene.truncate_suffix(scene.boundaries()[6]));
  ASSERT_OK(scene.append(1));
  ASSERT_OK(scene.flush());
  scene.crash(Survives::kNothingUnsynced);
  scene.env->remove(scene.path("checkpoint"));
  ASSERT_OK(scene.open());
  EXPECT_TRUE(scene.report.damage.empty());
  EXPECT_EQ(scene.check(), "");
}

TEST(Files, WithoutACheckpointDamageInTheMiddleIsNotTakenForAnEnd) {
  LogScene before;
  fill(before);
  std::string last;
  for (const std::string& path : before.files()) {
    if (is_log(path)) last = path;
  }
  before.env->remove(before.path("checkpoint"));
  for (const bool with_indexes : {true, false}) {
    LogScene scene(before, 1);
    Bytes bytes = *scene.env->contents(last);
    bytes[100] ^= std::byte{1};
    scene.env->put(last, bytes);
    if (!with_indexes) {
      for (const std::string& path : scene.files()) {
        if (path.ends_with(".idx")) scene.env->remove(path);
      }
    }
    ASSERT_OK(scene.open());
    EXPECT_EQ(scene.report.damage.size(), 1U);
    EXPECT_EQ(scene.log->log_end(), scene.acknowledged);
    std::int64_t damaged = 0;
    EXPECT_EQ(scene.check(&damaged), "");
    EXPECT_LE(damaged, 4) << "one batch";
  }
}

}  // namespace
}  // namespace penstock::storage
