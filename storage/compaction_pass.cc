#include "storage/compaction_pass.h"

#include <algorithm>
#include <utility>

#include "protocol/record/record.h"
#include "protocol/record/sparse_batch.h"

namespace penstock::storage {
namespace {

std::uint64_t most_keys(const CompactionJob& job) {
  const Offset begin = std::max(job.clean_end, job.sources.front().facts.base);
  const Offset end = job.sources.back().facts.end;
  return begin < end ? static_cast<std::uint64_t>(end - begin) : 0;
}

}  // namespace

CompactionPass::CompactionPass(CompactionJob job) : job_(std::move(job)), mapped_end_(end()) {}

void CompactionPass::begin() {
  map_.emplace(job_.request.map_bytes, most_keys(job_), job_.request.hash_seed);
  while (source_ < job_.sources.size() && job_.sources[source_].facts.end <= job_.clean_end) {
    ++source_;
  }
  if (source_ == job_.sources.size()) end_mapping();
}

Status CompactionPass::step() {
  moved_ = 0;
  if (!map_) begin();
  while (moved_ < job_.request.piece_bytes && !ready_ && phase_ != Phase::kDone) {
    PENSTOCK_TRY(phase_ == Phase::kMapping ? map_piece() : clean_piece());
  }
  return {};
}

std::optional<Offset> CompactionPass::beside() const {
  if (ready_) return ready_->segment.base;
  if (!out_ || !out_->begun()) return std::nullopt;
  return job_.sources[groups_[group_].first].facts.base;
}

Offset CompactionPass::reading() const {
  return job_.sources[std::min(source_, job_.sources.size() - 1)].facts.base;
}

// --- reading

Status CompactionPass::open_source(std::size_t index) {
  const CompactionSource& source = job_.sources[index];
  PENSTOCK_TRY_ASSIGN(file_, job_.env->open(source.path, OpenMode::kRead));
  IndexSource from = source.index;
  from.log = file_;
  PENSTOCK_TRY_ASSIGN(LoadedIndex loaded, load_index(from));
  Status whole;
  for (const auto& gap : loaded.gaps) {
    whole = damaged({gap.begin, gap.end, source.path + ": " + gap.reason});
  }
  PENSTOCK_TRY(whole);
  runs_ = std::move(loaded.runs);
  run_ = 0;
  return {};
}

Result<SharedBytes> CompactionPass::read(const Run& run) {
  const Offset base = job_.sources[source_].facts.base;
  auto bytes = read_run(*file_, base, run);
  moved_ += run.length;
  figures_.bytes_read += run.length;
  if (bytes) return bytes;
  PENSTOCK_TRY_ASSIGN(auto found, damage_in_run(*file_, base, run));
  Status first = fail(bytes.error());
  for (auto& damage : found) first = damaged(std::move(damage));
  return fail(first.error());
}

Status CompactionPass::damaged(RecoveryReport::Damage damage) {
  Status status = fail(Errc::kCorrupt, damage.reason);
  job_.findings->report(Findings::Damaged{job_.cuts, std::move(damage)});
  return status;
}

// --- the key map

Status CompactionPass::map_piece() {
  if (!file_) PENSTOCK_TRY(open_source(source_));
  if (run_ < runs_.size()) return map_run(runs_[run_++]);
  file_.reset();
  if (++source_ == job_.sources.size()) end_mapping();
  return {};
}

Status CompactionPass::map_run(const Run& run) {
  if (job_.sources[source_].facts.base + run.end_delta <= job_.clean_end) return {};
  PENSTOCK_TRY_ASSIGN(const SharedBytes bytes, read(run));
  for (ByteView rest = bytes.view(); !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    rest = rest.subspan(batch.size());
    if (!record::is_plain(batch) || map_batch(batch)) continue;
    end_mapping();  // the map is full
    return {};
  }
  return {};
}

// False when there is no room for one of its keys: the map ends before that record. All records or
// none: of what is followed by nonsense nobody can tell what was meant.
bool CompactionPass::map_batch(const record::BatchView& batch) {
  auto records = record::Records::open(batch);
  if (!records) return true;
  keys_.clear();
  while (true) {
    const auto next = records->next();
    if (!next) return true;
    if (!*next) break;
    const record::RecordView& record = **next;
    if (record.key && record.offset >= job_.clean_end)
      keys_.push_back({*record.key, record.offset});
  }
  for (const auto& [key, offset] : keys_) {
    if (map_->put(key, offset)) continue;
    mapped_end_ = offset;
    return false;
  }
  return true;
}

void CompactionPass::end_mapping() {
  phase_ = Phase::kCleaning;
  file_.reset();
  rules_.emplace(CleanRules{.latest = *map_,
                            .mapped_end = mapped_end_,
                            .tombstones_below = job_.tombstones_below,
                            .needed = job_.request.needed,
                            .log_start = job_.log_start});
  std::vector<CompactionSegment> segments;
  for (const CompactionSource& source : job_.sources) {
    if (source.facts.base < mapped_end_) segments.push_back(source.facts);
  }
  groups_ = plan_groups(segments, job_.group_limits);
  if (groups_.empty()) phase_ = Phase::kDone;
}

// --- cleaning

Status CompactionPass::begin_group() {
  source_ = groups_[group_].first;
  const CompactionSource& first = job_.sources[source_];
  group_read_ = 0;
  out_.emplace(*job_.env, job_.dir, job_.identity, first.facts.base, first.created, job_.run_bytes);
  cleaner_.emplace(*rules_, [this](const record::BatchView& batch) { return take(batch); });
  return open_source(source_);
}

Status CompactionPass::take(const record::BatchView& batch) {
  if (cleaner_->counts().changes > 0 && !out_->begun()) PENSTOCK_TRY(out_->begin(*file_));
  if (out_->begun()) {
    moved_ += batch.size();
    figures_.bytes_written += batch.size();
  }
  return out_->add(batch, appended_);
}

Status CompactionPass::clean_piece() {
  if (!cleaner_) PENSTOCK_TRY(begin_group());
  if (run_ < runs_.size()) return clean_run(runs_[run_++]);
  if (source_ == groups_[group_].last) return end_group();
  // More than one become one: what is copied so far lies in this file.
  if (!out_->begun()) PENSTOCK_TRY(out_->begin(*file_));
  return open_source(++source_);
}

Status CompactionPass::clean_run(const Run& run) {
  PENSTOCK_TRY_ASSIGN(const SharedBytes bytes, read(run));
  group_read_ += run.length;
  appended_ = Timestamp(run.appended_ms);
  for (ByteView rest = bytes.view(); !rest.empty();) {
    PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
    PENSTOCK_TRY(cleaner_->add(batch));
    rest = rest.subspan(batch.size());
  }
  return {};
}

Status CompactionPass::end_group() {
  PENSTOCK_TRY(cleaner_->finish());
  const CleanCounts& counts = cleaner_->counts();
  figures_.records_superseded += counts.superseded;
  figures_.tombstones_removed += counts.tombstones;
  figures_.unreadable_batches += counts.unreadable;
  if (out_->begun()) {
    PENSTOCK_TRY(out_->finish());
    ready_ = Ready{groups_[group_], out_->segment()};
    return {};
  }
  placed(job_.cuts, 0);
  return {};
}

void CompactionPass::placed(std::uint64_t cuts, std::uint64_t freed) {
  if (ready_) {
    figures_.bytes_freed += freed;
    figures_.segments_replaced += ready_->group.last - ready_->group.first + 1;
  }
  job_.cuts = cuts;
  ready_.reset();
  cleaner_.reset();
  out_.reset();
  file_.reset();
  if (++group_ == groups_.size()) phase_ = Phase::kDone;
}

// --- the ticket

Status CompactionTicket::run() const { return pass_ ? pass_->step() : Status(); }
std::uint64_t CompactionTicket::moved_bytes() const { return pass_ ? pass_->moved_bytes() : 0; }
const CompactionFigures& CompactionTicket::figures() const {
  static const CompactionFigures kNone;
  return pass_ ? pass_->figures() : kNone;
}

}  // namespace penstock::storage
