// A torn tail is not corruption: the last segment and every side file, cut, zeroed and scribbled
// over from each of their bytes on.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/batch.h"
#include "tests/storage/log_scene.h"

namespace penstock::storage {
namespace {

enum class Harm { kTruncate, kZeros, kGarbage };

Bytes harmed(const Bytes& whole, std::size_t from, Harm harm, Rng& rng) {
  Bytes bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(from));
  if (harm == Harm::kTruncate) return bytes;
  bytes.resize(whole.size());
  if (harm == Harm::kGarbage) {
    for (std::size_t i = from; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(rng.next());
  }
  return bytes;
}

// A log of three segments, flushed to its end; the checkpoint stands in the middle of the last one.
struct Scenario {
  LogScene scene;
  Offset watermark;
  std::uint64_t watermark_position = 0;
  std::string last_log;
  Offset last_base;

  Scenario() {
    EXPECT_TRUE(scene.open());
    while (scene.log->segments().size() < 3) EXPECT_TRUE(scene.append());
    EXPECT_TRUE(scene.append(6));
    EXPECT_TRUE(scene.flush());
    EXPECT_TRUE(scene.checkpoint());
    watermark = scene.log->durable_end();
    watermark_position = scene.log->segments().back().bytes;
    EXPECT_TRUE(scene.append(6));
    EXPECT_TRUE(scene.flush());
    last_base = scene.log->segments().back().base;
    EXPECT_EQ(scene.log->segments().size(), 3U);
    scene.crash(fakes::Survives::kNothingUnsynced);
    for (const std::string& path : scene.files()) {
      if (path.ends_with(".log")) last_log = std::max(last_log, path);
    }
  }

  // The end of the last batch that lies wholly in the first `bytes` of the last segment.
  Offset end_within(std::uint64_t bytes) const {
    Offset end = last_base;
    std::uint64_t position = 0;
    for (auto batch = scene.appended.lower_bound(last_base); batch != scene.appended.end();
         ++batch) {
      position += batch->second.size();
      if (position > bytes) break;
      end = record::BatchView::parse(batch->second)->end_offset();
    }
    return end;
  }
};

struct Tally {
  std::uint64_t offsets = 0;
  std::uint64_t ok = 0;
  std::uint64_t bad = 0;
  std::string first_bad;

  void count(const std::string& wrong, const std::string& where) {
    ++offsets;
    if (wrong.empty()) {
      ++ok;
      return;
    }
    if (bad++ == 0) first_bad = where + ": " + wrong;
  }
};

// The log goes on: appends, loses power, opens again, twice.
std::string goes_on(LogScene& scene) {
  for (int life = 0; life < 2; ++life) {
    if (const Status status = scene.append(2); !status) return status.error().to_string();
    if (const Status status = scene.flush(); !status) return status.error().to_string();
    scene.crash(fakes::Survives::kNothingUnsynced);
    if (const Status status = scene.open(); !status) return status.error().to_string();
    if (std::string wrong = scene.check(); !wrong.empty()) return "after a crash: " + wrong;
    if (scene.log->log_end() != scene.acknowledged) return "end moved by a crash";
  }
  return {};
}

std::string cut_below_the_watermark(LogScene& scene, Offset watermark) {
  if (scene.log->log_end() < watermark) return "silently shorter than the watermark";
  scene.acknowledged = watermark;
  std::int64_t damaged = 0;
  if (std::string wrong = scene.check(&damaged); !wrong.empty()) return wrong;
  if (damaged == 0 || scene.log->damage().empty()) return "nothing is missing, says the log";
  return {};
}

std::string cut_beyond_the_watermark(LogScene& scene, Offset end) {
  if (!scene.report.damage.empty()) return "false alarm: " + scene.report.damage[0].reason;
  if (scene.log->log_end() != end) {
    return "ends at " + std::to_string(scene.log->log_end().value()) + ", not at " +
           std::to_string(end.value());
  }
  scene.acknowledged = end;
  scene.appended.erase(scene.appended.lower_bound(end), scene.appended.end());
  if (std::string wrong = scene.check(); !wrong.empty()) return wrong;
  return goes_on(scene);
}

TEST(TornTail, EveryByteOfTheLastSegmentAndOfEachSideFile) {
  const Scenario scenario;
  const LogScene& before = scenario.scene;
  Tally tally;
  Rng rng(7);
  for (const std::string& path : before.files()) {
    const bool is_log = path.ends_with(".log");
    if (is_log && path != scenario.last_log) continue;
    const Bytes whole = *before.env->contents(path);
    for (std::size_t from = 0; from <= whole.size(); ++from) {
      for (const Harm harm : {Harm::kTruncate, Harm::kZeros, Harm::kGarbage}) {
        // Beyond the last entry of a slot or a file there is little to see; look at a sample.
        if (path.ends_with("checkpoint") && from % 4096 > 520 && from % 64 != 0) continue;
        LogScene scene(before, from);
        const Bytes bytes = harmed(whole, from, harm, rng);
        scene.env->put(path, bytes);
        // Batches may end in zero bytes: the harm begins where something differs.
        const auto differs =
            static_cast<std::size_t>(std::ranges::mismatch(bytes, whole).in2 - whole.begin());
        std::string wrong;
        if (const Status status = scene.open(); !status) {
          wrong = status.error().to_string();
        } else if (!is_log) {
          wrong = cut_beyond_the_watermark(scene, before.acknowledged);
        } else if (differs >= scenario.watermark_position) {
          wrong = cut_beyond_the_watermark(scene, scenario.end_within(differs));
        } else {
          wrong = cut_below_the_watermark(scene, scenario.watermark);
        }
        tally.count(wrong, path + " harm " + std::to_string(static_cast<int>(harm)) +
                               " from byte " + std::to_string(from));
      }
    }
  }
  std::printf("TORN offsets=%lu ok=%lu bad=%lu\n", tally.offsets, tally.ok, tally.bad);
  EXPECT_EQ(tally.bad, 0U) << tally.first_bad;
}

// Cut below the watermark, a log refuses appends until somebody decides about its end.
TEST(TornTail, AcknowledgedRecordsThatAreGoneStopAppendsUntilTheEndIsDecided) {
  Scenario scenario;
  LogScene& scene = scenario.scene;
  Bytes bytes = *scene.env->contents(scenario.last_log);
  bytes.resize(scenario.watermark_position / 2);
  scene.env->put(scenario.last_log, bytes);
  ASSERT_TRUE(scene.open());
  ASSERT_FALSE(scene.report.damage.empty());
  const Offset lost_from = scene.report.damage.front().begin;
  Bytes batch = make_batch(1, 5, Timestamp(1));
  EXPECT_EQ(scene.log->append(batch, Term(1)).error().code(), Errc::kPartitionDamaged);
  EXPECT_EQ(scene.log->end_of_log(), EndOfLog::kUnknown);

  ASSERT_TRUE(scene.truncate_suffix(lost_from));
  EXPECT_EQ(scene.log->end_of_log(), EndOfLog::kCertain);
  EXPECT_TRUE(scene.log->damage().empty());
  ASSERT_EQ(scene.check(), "");
  EXPECT_EQ(goes_on(scene), "");
}

}  // namespace
}  // namespace penstock::storage
