#include "broker/host/state_host_snapshots.h"

#include <charconv>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "broker/host/limits.h"
#include "broker/host/state_host_file.h"

namespace penstock::broker {
namespace {

constexpr std::string_view kSuffix = ".state";
constexpr std::string_view kTemporary = ".tmp";
constexpr std::size_t kDigits = 20;  // so that a sorted listing is in order

std::string name_of(Offset at) {
  std::string digits = std::to_string(at.value());
  digits.insert(0, kDigits - digits.size(), '0');
  return digits + std::string(kSuffix);
}

std::optional<Offset> parse_name(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  std::int64_t offset = 0;
  const char* const end = name.data() + kDigits;
  const auto [stop, error] = std::from_chars(name.data(), end, offset);
  if (error != std::errc() || stop != end || offset < 0) return std::nullopt;
  return Offset(offset);
}

}  // namespace

struct SnapshotWork {
  Env& env;
  Offset at;
  std::string path;
  Bytes file;
};

Status StateSnapshots::Ticket::run() const {
  if (work_->file.size() > kMaxStateSnapshotBytes) {
    return fail(Errc::kOverloaded, "a state of " + std::to_string(work_->file.size()) +
                                       " bytes is over the limit of a snapshot");
  }
  return work_->env.replace_file(work_->path, work_->file);
}

StateSnapshots::StateSnapshots(Env& env, std::string dir, storage::LogIdentity identity,
                               const StateMachine& machine)
    : env_(env), dir_(std::move(dir)), identity_(identity), machine_(machine) {}

std::string StateSnapshots::path_of(Offset at) const { return dir_ + "/" + name_of(at); }

Result<std::unique_ptr<StateSnapshots>> StateSnapshots::open(Env& env, std::string dir,
                                                             storage::LogIdentity identity,
                                                             const StateMachine& machine) {
  PENSTOCK_TRY(env.create_dirs(dir));
  // Or else a power cut takes the folder and all that was written into it.
  PENSTOCK_TRY(env.sync_dir(dir_of(dir)));
  // And what a killed process had renamed is not durable yet.
  PENSTOCK_TRY(env.sync_dir(dir));
  std::unique_ptr<StateSnapshots> all(new StateSnapshots(env, std::move(dir), identity, machine));
  PENSTOCK_TRY_ASSIGN(const auto entries, env.list(all->dir_));
  for (const FileInfo& entry : entries) {
    if (const auto at = parse_name(entry.name)) {
      all->files_[*at] = Health::kIntact;
    } else if (entry.name.ends_with(kTemporary)) {
      PENSTOCK_TRY(env.remove_file(all->dir_ + "/" + entry.name));
    }
  }
  return all;
}

// --- reading

Result<StateSnapshots::Loaded> StateSnapshots::load(Offset at) {
  auto file = env_.read_file(path_of(at), kMaxStateSnapshotBytes);
  if (!file && file.error().code() != Errc::kCorrupt && file.error().code() != Errc::kIoError) {
    return std::unexpected(std::move(file).error());
  }
  const auto decoded = file ? decode_state_snapshot(*file, identity_)
                            : Result<StateSnapshot>(std::unexpected(file.error()));
  if (decoded && decoded->point.end == at) {
    return Loaded{decoded->point, *std::move(file), decoded->state};  // the heap block stays
  }
  if (!decoded && decoded.error().code() == Errc::kForeignData) {
    return std::unexpected(Error(decoded.error()).context(path_of(at)));
  }
  files_[at] = Health::kBad;
  if (decoded) return fail(Errc::kCorrupt, path_of(at) + ": it is another one's file");
  return std::unexpected(Error(decoded.error()).context(path_of(at)));
}

Result<std::optional<raft::LogPoint>> StateSnapshots::restore(StateMachine& machine,
                                                              Offset log_start, Offset log_end) {
  std::string reasons;
  Errc code = Errc::kCorrupt;
  std::optional<Offset> lost;
  for (auto at = newest_below(std::nullopt, Offset(kMaxOffset)); at && *at >= log_start;
       at = newest_below(at, Offset(kMaxOffset))) {
    auto loaded = load(*at);
    const Status restored =
        loaded ? machine.restore(loaded->state) : Status(std::unexpected(loaded.error()));
    if (restored && machine.applied() == *at) return loaded->point;
    if (!restored && has(*at) && restored.error().code() != Errc::kCorrupt) {
      return std::unexpected(Error(restored.error()).context(path_of(*at)));
    }
    if (!restored && restored.error().code() == Errc::kIoError) code = Errc::kIoError;
    files_[*at] = Health::kBad;
    if (!lost) lost = *at;
    reasons +=
        (reasons.empty() ? "" : "; ") +
        (restored ? path_of(*at) + ": not the state at its offset" : restored.error().message());
  }
  // The log alone tells everything, if it holds all that was.
  const bool whole_log = log_start == Offset(0) && (!lost || *lost <= log_end);
  if (whole_log) return std::nullopt;
  return fail(code,
              dir_ + ": no intact snapshot of the state at or behind offset " +
                  std::to_string(log_start.value()) + ", where the log begins (" +
                  (reasons.empty() ? "no files" : reasons) +
                  "). This node must be installed anew: remove its data directory and let it join "
                  "the cluster again; the other nodes hold the state");
}

std::optional<Offset> StateSnapshots::newest_below(std::optional<Offset> than, Offset up_to) const {
  auto it = than ? files_.lower_bound(*than) : files_.upper_bound(up_to);
  while (it != files_.begin()) {
    --it;
    if (it->second == Health::kIntact) return it->first;
  }
  return std::nullopt;
}

std::optional<Offset> StateSnapshots::newest(Offset up_to) const {
  return newest_below(std::nullopt, up_to);
}

bool StateSnapshots::has(Offset at) const {
  const auto found = files_.find(at);
  return found != files_.end() && found->second == Health::kIntact;
}

std::size_t StateSnapshots::damaged() const {
  std::size_t count = 0;
  for (const auto& [at, health] : files_) count += health == Health::kBad ? 1 : 0;
  return count;
}

// --- followers that begin anew

Result<SharedBytes> StateSnapshots::state_at(raft::LogPoint start) {
  if (!has(start.end)) {
    return fail(Errc::kNotReady, "no state at " + raft::to_string(start) + " yet");
  }
  PENSTOCK_TRY_ASSIGN(Loaded loaded, load(start.end));
  if (loaded.point != start) {
    return fail(Errc::kCorrupt, path_of(start.end) + ": of " + raft::to_string(loaded.point) +
                                    ", not of " + raft::to_string(start));
  }
  return SharedBytes(std::move(loaded.file));
}

Status StateSnapshots::install(raft::LogPoint start, ByteView state) {
  if (state.size() > kMaxStateSnapshotBytes) {
    return fail(Errc::kCorrupt, "a received state is over the limit of a snapshot");
  }
  PENSTOCK_TRY_ASSIGN(const StateSnapshot received, decode_state_snapshot(state, identity_));
  if (received.point != start) return fail(Errc::kCorrupt, "a received state is of another point");
  PENSTOCK_TRY_ASSIGN(const Offset applied, machine_.check(received.state));
  if (applied != start.end) return fail(Errc::kCorrupt, "a received state is of another offset");
  if (writing_ == start.end) return fail(Errc::kNotReady, "that file is being written");
  PENSTOCK_TRY(env_.replace_file(path_of(start.end), state));
  files_[start.end] = Health::kIntact;
  return {};
}

// --- making one

StateSnapshots::Ticket StateSnapshots::begin(raft::LogPoint point, ByteView state) {
  PENSTOCK_ASSERT(!writing_, "one snapshot at a time");
  writing_ = point.end;
  Ticket ticket;
  ticket.work_ = std::make_shared<const SnapshotWork>(
      SnapshotWork{env_, point.end, path_of(point.end), encode({point, state}, identity_)});
  return ticket;
}

void StateSnapshots::complete(const Ticket& ticket, const Status& status) {
  writing_.reset();
  if (status) files_[ticket.work_->at] = Health::kIntact;
}

Offset StateSnapshots::covered(Offset log_start, Offset applied) const {
  const auto last = newest_below(std::nullopt, applied);
  if (!last) return Offset(0);
  if (const auto before = newest_below(last, applied)) return *before;
  return log_start == Offset(0) ? *last : Offset(0);
}

// --- the log's beginning

std::optional<Offset> StateSnapshots::may_begin_at(Offset log_start, Offset applied) {
  const auto is_readable = [&](std::optional<Offset> at) {
    return at && *at > log_start && load(*at).has_value();
  };
  while (true) {
    const auto last = newest_below(std::nullopt, applied);
    if (!last || *last <= log_start) return std::nullopt;
    // A follower that is behind the log's start can only get the state that is there.
    const bool serves_followers = log_start == Offset(0) || has(log_start);
    const auto wanted = serves_followers ? newest_below(last, applied) : last;
    if (!wanted || *wanted <= log_start) return std::nullopt;
    if (is_readable(wanted)) return wanted;
    if (has(*wanted)) return std::nullopt;  // not bad, but cannot be read now
  }
}

void StateSnapshots::forget_old(Offset log_start, Offset applied) {
  const auto last = newest_below(std::nullopt, applied);
  const auto last_but_one = last ? newest_below(last, applied) : std::nullopt;
  const Offset needed = std::max(last_but_one.value_or(log_start), log_start);
  for (auto it = files_.begin(); it != files_.end() && it->first < needed;) {
    const bool stays = it->first == log_start || writing_ == it->first;
    // What cannot be removed now is tried again after the next snapshot.
    if (stays || !env_.remove_file(path_of(it->first))) {
      ++it;
    } else {
      it = files_.erase(it);
    }
  }
}

}  // namespace penstock::broker
