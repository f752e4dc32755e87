#include "archiver/partition_archive.h"

#include <fmt/format.h>

#include <set>

#include "archiver/archive_core.h"
#include "base/assert.h"
#include "base/log.h"

namespace penstock::archiver {
namespace {

std::string folder_of(const LogPartition& log) {
  return log.topic + "/" + std::to_string(log.partition.value()) + "/";
}

Status check_belongs(const Manifest& manifest, const LogPartition& log) {
  const std::string where = folder_of(log) + "manifest.json";
  if (manifest.topic != log.topic || manifest.partition != log.partition) {
    return fail(Errc::kForeignData, where + " belongs to " + manifest.topic + "/" +
                                        std::to_string(manifest.partition.value()));
  }
  if (manifest.topic_id != log.topic_id) {
    return fail(Errc::kForeignData, where + " is of an earlier topic of that name (id " +
                                        manifest.topic_id.to_string() + ", now " +
                                        log.topic_id.to_string() + "); move the folder " +
                                        log.topic + "/ out of the archive to go on");
  }
  if (log.high_watermark < manifest.end()) {
    return fail(Errc::kMismatch,
                fmt::format("{}: archived up to offset {}, but the log ends at {}", where,
                            manifest.end().value(), log.high_watermark.value()));
  }
  return {};
}

}  // namespace

Result<PartitionArchive> PartitionArchive::load(ObjectStore& store, StepGate& gate,
                                                const LogPartition& log) {
  auto stored = store.get(manifest_name(log.topic, log.partition), kMaxManifestBytes);
  if (stored) {
    auto manifest = decode(stored->bytes);
    if (!manifest) return std::unexpected(std::move(manifest).error().context(folder_of(log)));
    PENSTOCK_TRY(check_belongs(*manifest, log));
    return PartitionArchive(store, gate, *std::move(manifest), std::move(stored->version));
  }
  if (stored.error().code() != Errc::kNotFound) return std::unexpected(std::move(stored).error());
  // The manifest is written before the first object: objects alone mean that it was lost, and a new
  // one would disown them.
  PENSTOCK_TRY_ASSIGN(const auto objects, store.list(folder_of(log)));
  if (!objects.empty()) {
    return fail(Errc::kCorrupt, fmt::format("{} holds {} objects but no manifest; restore it, or "
                                            "move the folder away",
                                            folder_of(log), objects.size()));
  }
  Manifest fresh{.topic = log.topic,
                 .topic_id = log.topic_id,
                 .partition = log.partition,
                 .generation = 0,
                 .start = log.log_start,
                 .chunks = {},
                 .lost = {}};
  return PartitionArchive(store, gate, std::move(fresh), std::nullopt);
}

Result<PartitionArchive> PartitionArchive::open(ObjectStore& store, StepGate& gate,
                                                const LogPartition& log, Timestamp now) {
  PENSTOCK_TRY_ASSIGN(PartitionArchive archive, load(store, gate, log));
  Manifest taken_over = archive.manifest_;
  ++taken_over.generation;
  PENSTOCK_TRY(archive.replace_manifest(std::move(taken_over)));
  PENSTOCK_TRY(gate.pass(Step::kManifestTakenOver, log.topic, log.partition));
  PENSTOCK_TRY(archive.remove_leftovers(log));
  if (log.log_start > archive.end()) PENSTOCK_TRY(archive.record_lost(log.log_start, now));
  return archive;
}

Status PartitionArchive::replace_manifest(Manifest manifest) {
  PENSTOCK_TRY(check(manifest));
  PENSTOCK_TRY_ASSIGN(version_, store_->replace(manifest_name(manifest.topic, manifest.partition),
                                                encode(manifest), version_));
  manifest_ = std::move(manifest);
  return {};
}

Status PartitionArchive::remove_leftovers(const LogPartition& log) {
  std::set<std::string> named;
  for (const ChunkEntry& chunk : manifest_.chunks) named.insert(chunk.object);
  PENSTOCK_TRY_ASSIGN(const auto objects, store_->list(folder_of(log)));
  for (const std::string& object : objects) {
    const auto last = last_offset_of(log.topic, log.partition, object);
    if (!last || named.contains(object)) continue;
    const bool log_has_it = log.log_start <= end() && *last < log.high_watermark;
    if (*last < end() || !log_has_it) {
      logger("archiver").warn("object that no manifest names is left alone object={}", object);
      continue;
    }
    PENSTOCK_TRY(store_->remove(object));
    logger("archiver").info("removed the object of an interrupted commit object={}", object);
    PENSTOCK_TRY(gate_->pass(Step::kLeftoverRemoved, log.topic, log.partition));
  }
  return {};
}

Status PartitionArchive::commit(const ChunkEntry& chunk, const std::string& path) {
  PENSTOCK_ASSERT(chunk.base == end(), "chunks follow each other");
  const auto pass = [&](Step step) {
    return gate_->pass(step, manifest_.topic, manifest_.partition);
  };
  PENSTOCK_TRY(store_->put_file(chunk.object, path));
  PENSTOCK_TRY(pass(Step::kObjectPut));
  PENSTOCK_TRY_ASSIGN(const ObjectStat stat, store_->stat(chunk.object));
  if (stat.size_bytes != chunk.size_bytes || stat.hash != chunk.object_hash) {
    return fail(Errc::kCorrupt, chunk.object + ": the store returns other bytes than were put");
  }
  PENSTOCK_TRY(pass(Step::kObjectVerified));
  Manifest grown = manifest_;
  grown.chunks.push_back(chunk);
  PENSTOCK_TRY(replace_manifest(std::move(grown)));
  return pass(Step::kManifestReplaced);
}

Status PartitionArchive::record_lost(Offset until, Timestamp now) {
  PENSTOCK_ASSERT(until > end(), "a lost range holds an offset");
  const LostRange range{.base = end(), .end = until, .noticed_at = now};
  Manifest grown = manifest_;
  grown.lost.push_back(range);
  PENSTOCK_TRY(replace_manifest(std::move(grown)));
  logger("archiver")
      .error(
          "records were removed from the log before they were archived topic={} partition={} "
          "offsets=[{},{}); keep them longer or archive more often",
          manifest_.topic, manifest_.partition.value(), range.base.value(), range.end.value());
  return gate_->pass(Step::kLossRecorded, manifest_.topic, manifest_.partition);
}

}  // namespace penstock::archiver
