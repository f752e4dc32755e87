#include "broker/host/vote_store.h"

#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "broker/host/limits.h"
#include "broker/host/vote_journal.h"
#include "broker/host/vote_loss.h"

namespace penstock::broker {
namespace {

constexpr const char* kFileName = "/votes";
constexpr const char* kTemporaryName = "/votes.tmp";
constexpr std::size_t kMaxGroups =
    (kMaxVoteJournalBytes - kVoteRecordsBegin - 4096) / (kVoteRecordBytes * kVoteRecordsPerGroup);

// A journal as it is open: the file, and what its records are bound to.
struct OpenJournal {
  std::shared_ptr<File> file = nullptr;
  VoteHeader header = {};
  VoteHeaderBytes header_bytes = {};
  VoteWatermark watermark = {};  // on disk
  std::uint64_t end = kVoteRecordsBegin;

  bool has_room_for(std::size_t bytes) const { return end + bytes <= header.capacity; }
};

// Writes a whole journal beside the old one and puts it into its place. kDiskFull: the old one is
// as it was.
Result<OpenJournal> write_journal(Env& env, const std::string& dir, const VoteImage& image) {
  OpenJournal journal{.header = image.header,
                      .header_bytes = encode(image.header),
                      .watermark = image.watermark,
                      .end = image.bytes.size()};
  const std::string temporary = dir + kTemporaryName;
  {
    PENSTOCK_TRY_ASSIGN(auto file, env.open(temporary, OpenMode::kOpenOrCreate));
    journal.file = std::move(file);
  }
  PENSTOCK_TRY(journal.file->truncate(0));
  PENSTOCK_TRY(journal.file->allocate(image.header.capacity));
  PENSTOCK_TRY(journal.file->write_at(0, image.bytes));
  PENSTOCK_TRY(journal.file->sync_data());
  PENSTOCK_TRY(env.rename(temporary, dir + kFileName));
  PENSTOCK_TRY(env.sync_dir(dir));
  return journal;
}

// What was read may never have reached the disk (after a failed fsync, Linux counts pages as
// clean): it is written again, in place, and what lies behind it is erased, before anything is
// built on it.
Status settle(OpenJournal& journal, ByteView contents) {
  const std::size_t end = journal.end;
  PENSTOCK_TRY(journal.file->write_at(
      kVoteRecordsBegin, contents.subspan(kVoteRecordsBegin, end - kVoteRecordsBegin)));
  const Bytes zeros(contents.size() - end);
  if (!equal(contents.subspan(end), zeros)) PENSTOCK_TRY(journal.file->write_at(end, zeros));
  PENSTOCK_TRY(journal.file->sync_data());
  const VoteWatermark next{journal.watermark.sequence + 1, end};
  PENSTOCK_TRY(journal.file->write_at(next.position(), encode(next, journal.header_bytes)));
  PENSTOCK_TRY(journal.file->sync_data());
  journal.watermark = next;
  return {};
}

}  // namespace

// One flush: either records behind the others, or a new journal with all that is known.
struct VoteFlushWork {
  Env* env = nullptr;
  std::string dir;
  std::vector<VoteRecord> taken;  // what this flush makes durable

  OpenJournal journal;                      // as it will be if the records are appended
  std::uint64_t position = 0;               // where they go
  bool appendable = false;                  // there is room for them
  bool marks = false;                       // the watermark is due
  std::optional<VoteImage> rewrite;         // tried first
  mutable std::optional<OpenJournal> done;  // the journal afterwards

  Status append() const;
};

Status VoteFlushWork::append() const {
  Bytes bytes;
  for (const VoteRecord& record : taken) append_record(bytes, record, journal.header_bytes);
  if (!bytes.empty()) PENSTOCK_TRY(journal.file->write_at(position, bytes));
  if (marks) {
    PENSTOCK_TRY(journal.file->write_at(journal.watermark.position(),
                                        encode(journal.watermark, journal.header_bytes)));
  }
  if (!mutant(Mutant::kVotesUnflushed)) PENSTOCK_TRY(journal.file->sync_data());
  done = journal;
  return {};
}

Status VoteStore::FlushTicket::run() const {
  if (!work_) return {};
  if (work_->rewrite) {
    auto written = write_journal(*work_->env, work_->dir, *work_->rewrite);
    if (written) {
      work_->done = *std::move(written);
      return {};
    }
    const bool can_wait = written.error().code() == Errc::kDiskFull && work_->appendable;
    if (!can_wait) return std::unexpected(std::move(written).error());
  }
  return work_->append();
}

struct VoteStore::State {
  Env& env;
  const std::string dir;
  const Uuid owner;
  OpenJournal journal = {};
  Votes votes = {};
  std::vector<VoteRecord> pending = {};
  bool flush_under_way = false;
  bool fenced = false;

  bool mark_is_due() const { return journal.watermark.flushed < journal.end; }
  Status queue(VoteRecord record);
};

VoteStore::VoteStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
VoteStore::~VoteStore() = default;

Result<std::unique_ptr<VoteStore>> VoteStore::open(Env& env, std::string dir, Uuid owner) {
  auto state = std::make_unique<State>(State{.env = env, .dir = std::move(dir), .owner = owner});
  const std::string path = state->dir + kFileName;
  PENSTOCK_TRY_ASSIGN(const bool exists, env.exists(path));
  if (!exists) {
    PENSTOCK_TRY(check_nobody_voted(env, state->dir));
    PENSTOCK_TRY_ASSIGN(state->journal,
                        write_journal(env, state->dir, make_vote_image({}, owner, 1)));
    return std::unique_ptr<VoteStore>(new VoteStore(std::move(state)));
  }
  PENSTOCK_TRY_ASSIGN(const Bytes file, env.read_file(path, kMaxVoteJournalBytes));
  auto contents = decode_vote_journal(file, owner);
  if (!contents) return std::unexpected(std::move(contents).error().context(path));
  state->votes = std::move(contents->votes);
  state->journal = {.header = contents->header,
                    .header_bytes = encode(contents->header),
                    .watermark = contents->watermark,
                    .end = contents->end};
  PENSTOCK_TRY_ASSIGN(auto opened, env.open(path, OpenMode::kReadWrite));
  state->journal.file = std::move(opened);
  PENSTOCK_TRY(settle(state->journal, file));
  return std::unique_ptr<VoteStore>(new VoteStore(std::move(state)));
}

std::optional<raft::HardState> VoteStore::find(const TopicPartition& group) const {
  const auto found = state_->votes.find(group);
  return found == state_->votes.end() ? std::nullopt : std::optional(found->second);
}

std::size_t VoteStore::groups() const { return state_->votes.size(); }

Status VoteStore::State::queue(VoteRecord record) {
  if (fenced) return fail(Errc::kFsyncFailed, dir + ": votes cannot be saved any more");
  const auto& [group, state] = record;
  if (state) {
    votes[group] = *state;
  } else {
    votes.erase(group);
  }
  pending.push_back(std::move(record));
  return {};
}

Status VoteStore::put(const TopicPartition& group, const raft::HardState& state) {
  const auto known = state_->votes.find(group);
  if (known == state_->votes.end()) {
    if (state_->votes.size() >= kMaxGroups) {
      return fail(Errc::kOverloaded, "votes of more groups than one node may hold");
    }
    return state_->queue({group, state});
  }
  const raft::HardState& before = known->second;
  if (before == state) return {};
  const bool second_vote = state.term == before.term && before.voted_for != raft::kNobody;
  if (state.term < before.term || second_vote) {
    return fail(Errc::kInvalidArgument, "a vote that was given is not taken back");
  }
  return state_->queue({group, state});
}

Status VoteStore::forget(const TopicPartition& group) {
  if (!state_->votes.contains(group)) return {};
  return state_->queue({group, std::nullopt});
}

bool VoteStore::needs_flush() const {
  const State& s = *state_;
  return !s.fenced && !s.flush_under_way && (!s.pending.empty() || s.mark_is_due());
}

VoteStore::FlushTicket VoteStore::begin_flush() {
  State& s = *state_;
  FlushTicket ticket;
  if (!needs_flush()) return ticket;
  auto work = std::make_shared<VoteFlushWork>();
  work->env = &s.env;
  work->dir = s.dir;
  work->taken = std::exchange(s.pending, {});
  work->journal = s.journal;
  work->position = s.journal.end;
  const std::size_t bytes = work->taken.size() * kVoteRecordBytes;
  work->appendable = s.journal.has_room_for(bytes);
  work->marks = s.mark_is_due();
  if (work->marks) work->journal.watermark = {s.journal.watermark.sequence + 1, s.journal.end};
  work->journal.end += bytes;
  // Early, so that a full disk leaves time.
  if (!s.journal.has_room_for(bytes + s.journal.header.capacity / 4)) {
    work->rewrite = make_vote_image(s.votes, s.owner, s.journal.header.generation + 1);
  }
  s.flush_under_way = true;
  ticket.work_ = std::move(work);
  return ticket;
}

void VoteStore::complete_flush(const FlushTicket& ticket, const Status& status) {
  State& s = *state_;
  if (!ticket.work_) return;
  PENSTOCK_ASSERT(s.flush_under_way, "one flush at a time");
  s.flush_under_way = false;
  if (status) {
    PENSTOCK_ASSERT(ticket.work_->done.has_value(), "the ticket was run");
    s.journal = *ticket.work_->done;
    return;
  }
  if (status.error().code() != Errc::kDiskFull) {
    s.fenced = true;
    return;
  }
  // Nothing was promised; the same records go to the same place next time.
  s.pending.insert(s.pending.begin(), ticket.work_->taken.begin(), ticket.work_->taken.end());
}

}  // namespace penstock::broker
